using Convoy.Distributed.Diagnostics;

namespace Convoy.Distributed.Tests.Diagnostics;

public class DiagnosticSettingsTests
{
    [Fact]
    public void Read_NothingSet_RemembersAndDoesNothingElse() =>
        Assert.Equal(new DiagnosticSettings(false, 2000, null, 0, double.PositiveInfinity), DiagnosticSettings.Read(_ => null));

    [Fact]
    public void Read_AllSet_TakesThem()
    {
        var variables = new Dictionary<string, string>
        {
            ["TORCH_DISTRIBUTED_DEBUG"] = "detail",
            ["TORCH_FR_BUFFER_SIZE"] = "7",
            ["CONVOY_FLIGHT_RECORDER_DIR"] = "logs",
            ["CONVOY_LINK_LATENCY_MS"] = "0.5",
            ["CONVOY_LINK_GBPS"] = "10",
        };
        Assert.Equal(new DiagnosticSettings(true, 7, "logs", 0.5, 10), DiagnosticSettings.Read(variables.GetValueOrDefault));
    }

    [Theory]
    [InlineData("TORCH_DISTRIBUTED_DEBUG", "yes")]
    [InlineData("TORCH_FR_BUFFER_SIZE", "-1")]
    [InlineData("TORCH_FR_BUFFER_SIZE", "1.5")]
    [InlineData("CONVOY_LINK_LATENCY_MS", "NaN")]
    [InlineData("CONVOY_LINK_GBPS", "0")]
    public void Read_WrongValue_NamesVariableAndValue(string name, string value)
    {
        var error = Assert.Throws<RendezvousException>(() => DiagnosticSettings.Read(asked => asked == name ? value : null));
        Assert.StartsWith($"environment variable {name} is invalid ({value}). Set it to ", error.Message, StringComparison.Ordinal);
    }
}
