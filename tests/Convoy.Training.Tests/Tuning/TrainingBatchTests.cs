using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class TrainingBatchTests
{
    [Theory]
    [InlineData(8, 2, "8 x 2, 16 x 1, 4 x 4, 2 x 8, 1 x 16")]
    [InlineData(8, 1, "8 x 1, 4 x 2, 2 x 4, 1 x 8")]
    [InlineData(12, 1, "12 x 1, 6 x 2, 3 x 4, 1 x 12")] // 4 and 2 are too near to 6 and 3
    [InlineData(7, 1, "7 x 1, 1 x 7")]
    [InlineData(1, 1, "1 x 1")]
    [InlineData(1000000, 100, "1000000 x 100")]
    public void Batches_OfTheUsualUpdate_KeepItsSamples(int size, int accumulate, string expected)
    {
        var usual = new TrainingBatch(size, accumulate);

        IReadOnlyList<TrainingBatch> batches = new EffectiveBatchRange(usual.Effective, usual.Effective).Batches(usual);

        Assert.Equal(expected, string.Join(", ", batches));
    }

    [Theory]
    [InlineData("8-32", "8 x 2, 16 x 1, 4 x 4, 2 x 8, 1 x 16, 32 x 1")] // of each size the update nearest to 16
    [InlineData("32", "8 x 4, 16 x 2, 4 x 8, 32 x 1, 2 x 16, 1 x 32")]
    public void Batches_OfARange_HasEachSizeWithTheUpdateNearestToTheUsual(string range, string expected) =>
        Assert.Equal(expected, string.Join(", ", EffectiveBatchRange.Parse(range).Batches(new TrainingBatch(8, 2))));

    [Theory]
    [InlineData("32", true, false, "8 x 4")]
    [InlineData("32", false, true, "16 x 2")]
    [InlineData("8-32", false, true, "8 x 2, 16 x 2, 4 x 2")]
    [InlineData("16", true, true, "8 x 2")]
    public void Batches_WithGivenNumbers_VaryOnlyTheOther(string range, bool size, bool accumulate, string expected) =>
        Assert.Equal(expected, string.Join(", ", EffectiveBatchRange.Parse(range).Batches(new TrainingBatch(8, 2), size, accumulate)));

    [Theory]
    [InlineData("12", true, false, "no batch goes with what is given (--effective-batch 12, --batch-size 8). ")]
    [InlineData("32", true, true, "no batch goes with what is given (--effective-batch 32, --batch-size 8, --accumulate 2). ")]
    public void Batches_OfWhatDoesNotGoTogether_NamesIt(string range, bool size, bool accumulate, string expected) =>
        Assert.StartsWith(expected, Assert.Throws<BadInputException>(() => EffectiveBatchRange.Parse(range).Batches(new TrainingBatch(8, 2), size, accumulate)).Message);

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("many")]
    [InlineData("64-16")]
    [InlineData("8-16-32")]
    [InlineData("-8")]
    [InlineData("99999999999")]
    public void Parse_OfAnythingElse_SaysWhatToGive(string text) =>
        Assert.Equal($"--effective-batch is no number of samples ({BadInputException.Excerpt(text)}). Give the samples of an update such as 32, or a range such as 16-64.", Assert.Throws<BadInputException>(() => EffectiveBatchRange.Parse(text)).Message);
}
