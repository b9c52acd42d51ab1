using Convoy.Training.Measurement;

namespace Convoy.Training.Tests.Measurement;

public sealed class PeakMemoryTests
{
    [Fact]
    public void MarkOf_StatusOfAProcess_IsItsHighWaterMark() => Assert.Equal(2012 * 1024, PeakMemory.MarkOf(["Name:\tcat", "VmPeak:\t  99999 kB", "VmHWM:\t    2012 kB", "VmRSS:\t    1999 kB"]));

    [Theory]
    [InlineData("VmRSS:\t    2012 kB")]
    [InlineData("VmHWM:\t    kB")]
    [InlineData("VmHWM:")]
    [InlineData("VmHWM:\t 12 pages")]
    public void MarkOf_AnythingElse_IsUnknown(string line) => Assert.Null(PeakMemory.MarkOf([line]));

    [Fact]
    public void Forget_AfterALargeArrayIsGone_MeasuresAnew()
    {
        const long size = 256L << 20;
        var memory = new PeakMemory();
        using (TorchSharp.torch.ones(size / 4))
        {
        }

        long before = memory.ReadBytes();
        Assert.SkipUnless(memory.Forget(), "this system does not let a process reset its peak memory");

        Assert.True(memory.ReadBytes() < before - (size / 2), $"{before} before, {memory.ReadBytes()} after");
    }
}
