using Convoy.Metrics;
using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class MemoryLimitTests
{
    private static readonly HostInfo Host = HostProbe.Read() with { MemoryTotalBytes = 20L << 30, MemoryAvailableBytes = 10L << 30 };

    [Fact]
    public void Default_OfAMachine_Is90PercentOfWhatIsAvailable() => Assert.Equal(9L << 30, MemoryLimit.Default(Host).Bytes);

    [Theory]
    [InlineData("12", 12L << 30)]
    [InlineData("1.5", 3L << 29)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("2gib", 2L << 30)]
    [InlineData("80%", 16L << 30)]
    [InlineData("100%", 20L << 30)]
    public void Parse_OfALimit_IsItsBytes(string text, long expected) => Assert.Equal(expected, MemoryLimit.Parse(text, Host).Bytes);

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("101%")]
    [InlineData("%")]
    [InlineData("much")]
    [InlineData("1e3")]
    [InlineData("12GB")]
    [InlineData("NaN")]
    public void Parse_OfAnythingElse_SaysWhatToGive(string text) =>
        Assert.Equal(
            $"--memory-limit is no amount of memory ({BadInputException.Excerpt(text)}). Give GiB such as 12 or 1.5, or a share of the machine's memory such as 80%.",
            Assert.Throws<BadInputException>(() => MemoryLimit.Parse(text, Host)).Message);
}
