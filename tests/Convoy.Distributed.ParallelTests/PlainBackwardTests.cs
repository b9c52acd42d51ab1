using System.Text.Json;

namespace Convoy.Distributed.ParallelTests;

/// <summary><c>loss.backward()</c> alone on wrapped models. Other tests run their training both ways.</summary>
[Trait("Repeats", "more")]
public class PlainBackwardTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task PlainBackward_AnyPass_LeavesTheMeanOfWhatAllRanksDid(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("PlainBackward", worldSize);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task PlainBackward_SeveralInputsAndOutputs_LeavesTheMeanOfWhatAllRanksDid(int worldSize) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("SeveralInputsAndOutputs", worldSize);

    [Fact]
    public async Task PlainBackward_ThreePrograms_LossesOfTwoRanksEqualThoseOfOne()
    {
        Dictionary<string, double[]> one = await LossesAsync(1), two = await LossesAsync(2);
        Assert.Equal(["convolutions", "lstm", "transformer"], one.Keys);
        foreach ((string program, double[] losses) in one)
        {
            Assert.True(losses[^1] < losses[0] - 0.1, $"{program} did not learn");
            double largest = losses.Zip(two[program], (a, b) => Math.Abs(a - b)).Max();
            Assert.True(largest <= 1e-5, $"the losses of {program} differ by {largest}");
        }
    }

    [Theory]
    [InlineData("forward")]
    [InlineData("state")]
    [InlineData("dispose")]
    public async Task PlainBackward_WhereItDoesNotAverage_IsAnErrorThatNamesTheCall(string where)
    {
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("ForgottenBackward", 2, [where]);
        Assert.All(results, result =>
        {
            Assert.Equal(1, result.ExitCode);
            Assert.StartsWith(
                "InvalidOperationException: the weights were updated with gradients that were not averaged over the ranks, so the ranks' models differ: loss.backward() does not average here, as AverageInBackward is off. Call model.Backward(loss) in its place",
                result.Errors,
                StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task PlainBackward_WhereItDoesNotAverageAndBackwardIsCalled_IsNoError() =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("ForgottenBackward", 2, "remembers");

    private static async Task<Dictionary<string, double[]>> LossesAsync(int worldSize) =>
        JsonSerializer.Deserialize<Dictionary<string, double[]>>((await WorkerProcesses.RunSharedAndRequireSuccessAsync("ThreePrograms", worldSize))[0])!;
}
