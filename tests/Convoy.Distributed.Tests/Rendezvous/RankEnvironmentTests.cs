using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

public class RankEnvironmentTests
{
    [Fact]
    public void Read_NothingSet_IsAlone() => Assert.Equal(RankEnvironment.Alone, Read());

    [Fact]
    public void Read_TorchrunsVariables_GivesThem() => Assert.Equal(
        new RankEnvironment(3, 8, 1, 2, "10.0.0.1", 29500, "s", true),
        Read(("RANK", "3"), ("WORLD_SIZE", "8"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2"), ("MASTER_ADDR", "10.0.0.1"), ("MASTER_PORT", "29500"), ("CONVOY_JOB_SECRET", "s"), ("CONVOY_STORE_HOSTED", "1")));

    [Fact]
    public void Read_OnlyWhatIsNeeded_AssumesOneMachine() => Assert.Equal(
        new RankEnvironment(1, 2, 1, 2, "127.0.0.1", 29500, null, false),
        Read(("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "29500")));

    [Theory]
    [InlineData("RANK", "2", "wrong (2). Set it to a whole number from 0 to 1")]
    [InlineData("RANK", "-1", "wrong (-1)")]
    [InlineData("RANK", null, "wrong (not set)")]
    [InlineData("WORLD_SIZE", "two", "wrong (two)")]
    [InlineData("WORLD_SIZE", "0", "wrong (0)")]
    [InlineData("MASTER_PORT", null, "wrong (not set)")]
    [InlineData("MASTER_PORT", "70000", "wrong (70000)")]
    [InlineData("LOCAL_WORLD_SIZE", "3", "wrong (3)")]
    [InlineData("CONVOY_STORE_HOSTED", "yes", "wrong (yes)")]
    public void Read_WrongValue_NamesTheVariable(string name, string? value, string expected)
    {
        var variables = new Dictionary<string, string?> { ["RANK"] = "0", ["WORLD_SIZE"] = "2", ["MASTER_PORT"] = "29500", [name] = value };
        string message = Assert.Throws<RendezvousException>(() => RankEnvironment.Read(variables.GetValueOrDefault)).Message;
        Assert.Contains($"environment variable {name} is {expected}", message, StringComparison.Ordinal);
    }

    private static RankEnvironment Read(params (string Name, string Value)[] variables) =>
        RankEnvironment.Read(name => variables.FirstOrDefault(variable => variable.Name == name).Value);
}
