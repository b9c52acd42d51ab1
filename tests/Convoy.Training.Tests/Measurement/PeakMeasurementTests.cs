using Convoy.Metrics;
using Convoy.Training.Measurement;

namespace Convoy.Training.Tests.Measurement;

public sealed class PeakMeasurementTests
{
    [Fact]
    public void Measure_OfTwoRequests_HasAPeakOfEach()
    {
        using var folder = new TemporaryFolder();
        new PeakMeasurement([new PeakRequest(Precision.Fp32, 1), new PeakRequest(Precision.Bf16, 2)]).Write(folder.Root);

        IReadOnlyList<MatrixPeak> peaks = PeakMeasurement.FromLine(PeakMeasurement.Measure(folder.Root))!;

        Assert.Equal([("fp32", 1), ("bf16", 2)], peaks.Select(p => (p.Precision, p.Threads)));

        // Any processor multiplies 256 x 256 matrices faster than this.
        Assert.All(peaks, p => Assert.InRange(p.GigaflopsPerSecond, 0.01, 1e6));
    }

    [Theory]
    [InlineData("Epoch 1")]
    [InlineData("{\"MatrixPeaks\":[{\"Prec")]
    public void FromLine_OfAnotherLine_IsNone(string line) => Assert.Null(PeakMeasurement.FromLine(line));

    [Fact]
    public void Measure_WithoutAMeasurement_IsRefused()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains("no measurement of matrix products", Assert.Throws<BadInputException>(() => PeakMeasurement.Measure(folder.Root)).Message, StringComparison.Ordinal);
    }
}
