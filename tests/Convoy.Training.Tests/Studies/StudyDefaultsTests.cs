using Convoy.Training.Studies;

namespace Convoy.Training.Tests.Studies;

public sealed class StudyDefaultsTests
{
    [Theory]
    [InlineData(1, "1")]
    [InlineData(2, "1,2")]
    [InlineData(6, "1,2,4,6")]
    [InlineData(16, "1,2,4,8,16")]
    public void Processes_OfCores_AreDoubledUpToThem(int cores, string expected) => Assert.Equal(expected, string.Join(',', StudyDefaults.Processes(cores)));

    [Theory]
    [InlineData("1", 8)]
    [InlineData("1,2,4", 8)]
    [InlineData("1,3", 9)]
    [InlineData("2,3,5", 30)]
    [InlineData("1,2,4,6", 12)]
    [InlineData("16", 16)]
    public void Batch_OfProcessCounts_IsTheSmallestThatAllDivideFromEightUp(string processes, int expected) =>
        Assert.Equal(expected, StudyDefaults.Batch(processes.Split(',').Select(int.Parse)));

    [Fact]
    public void Batch_TooLarge_IsRefused() => Assert.Throws<BadInputException>(() => StudyDefaults.Batch([1009, 1013, 1019, 1021]));

    [Fact]
    public void Precisions_OfAProcessor_HaveBf16WhereItComputesInIt()
    {
        Assert.Equal([Precision.Fp32], StudyDefaults.Precisions(["avx2", "avx512f"]));
        Assert.Equal([Precision.Fp32, Precision.Bf16], StudyDefaults.Precisions(["avx2", "avx512_bf16"]));
        Assert.Equal([Precision.Fp32, Precision.Bf16], StudyDefaults.Precisions(["amx_bf16"]));
    }
}
