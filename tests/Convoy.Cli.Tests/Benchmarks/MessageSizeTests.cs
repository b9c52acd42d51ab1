using Convoy.Cli.Benchmarks;
using Convoy.Training;

namespace Convoy.Cli.Tests.Benchmarks;

public sealed class MessageSizeTests
{
    [Fact]
    public void ParseList_EveryUnit_IsPowersOf1024OrOf1000() => Assert.Equal(
        [4097, 12, 4096, 4096, 4000, 1 << 20, 52L << 20, 52_000_000, 1L << 30, 2_000_000_000],
        MessageSize.ParseList("4097, 12B,4K,4KiB,4KB,1m,52 MiB,52MB,1G,2GB"));

    [Theory]
    [InlineData("")]
    [InlineData("4K,")]
    [InlineData("0")]
    [InlineData("-4")]
    [InlineData("4.5K")]
    [InlineData("K")]
    [InlineData("4Q")]
    [InlineData("99999999999G")]
    public void ParseList_NoSize_IsRefused(string text) => Assert.Throws<BadInputException>(() => MessageSize.ParseList(text));

    [Theory]
    [InlineData(4096, "4 KiB")]
    [InlineData(1 << 20, "1 MiB")]
    [InlineData(52_000_000, "52 MB")]
    [InlineData(4097, "4097 B")]
    public void Describe_Bytes_IsShortAndExact(long bytes, string expected) => Assert.Equal(expected, MessageSize.Describe(bytes));
}
