using Convoy.Training.Measurement;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Measurement;

public sealed class MultiplyAddMeterTests
{
    [Fact]
    public void Measure_EachWidth_IsOneThatTheProcessorHas()
    {
        IReadOnlyList<MultiplyAddPeak> peaks = MultiplyAddMeter.Measure();

        Assert.Equal(peaks.Select(peak => peak.Bits).Distinct().Order(), peaks.Select(peak => peak.Bits));
        Assert.All(peaks, peak => Assert.True(peak.GigaflopsPerSecond > 0 && peak.Bits is 128 or 256 or 512));
        Assert.Equal(peaks.Count > 0, MultiplyAddMeter.FlopsPerSecond(1, TimeSpan.FromMilliseconds(10)) > 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => MultiplyAddMeter.FlopsPerSecond(0, TimeSpan.FromMilliseconds(10)));
    }

    [Fact]
    public void FlopsPerSecond_OfANarrowType_IsMeasured() => Assert.True(ArithmeticPeak.FlopsPerSecond(ScalarType.BFloat16, TimeSpan.FromMilliseconds(10)) > 0);
}
