using System.Text.Json;

namespace Convoy.Distributed.ParallelTests;

[Trait("Repeats", "more")]
public class TrainingTests
{
    [Theory]
    [InlineData(2, "")]
    [InlineData(3, "")]
    [InlineData(4, "channels-last")]
    [InlineData(2, "accumulate")]
    [InlineData(2, "loss.backward")]
    [InlineData(2, "accumulate", "loss.backward")]
    public async Task DistributedDataParallel_SeveralRanksOnPartsOfABatch_EqualOneRankOnTheWhole(int worldSize, params string[] variant)
    {
        Repetitions.RequireAllUnless(worldSize > 2 || variant is ["accumulate", "loss.backward"]);
        JsonElement one = await TrainAsync(1, [.. variant.Except(["loss.backward"])]);
        JsonElement several = await TrainAsync(worldSize, variant);
        AssertNear(one, several, "losses", 1e-12);
        AssertNear(one, several, "gradients", 1e-12);
        AssertNear(one, several, "weights", 1e-9);
        AssertNear(one, several, "evaluated", 1e-9);
        double[] losses = Values(several, "losses");
        Assert.True(losses[^1] < losses[0], "the loss did not fall");
    }

    [Fact]
    public async Task DistributedDataParallel_SameSeedTwice_IsBitwiseEqual() =>
        Assert.Equal((await TrainAsync(3, "float32")).GetRawText(), (await TrainAsync(3, "float32")).GetRawText());

    [Fact]
    public async Task DistributedDataParallel_ModelsDiffer_NamesRankAndParameter() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("DifferentModels", 3);

    [Fact]
    public async Task DistributedDataParallel_ParametersHaveAsManyElementsInOtherShapes_NamesBothShapes() =>
        await WorkerProcesses.RunAndRequireSuccessAsync("DifferentModels", 2, "turned");

    private static async Task<JsonElement> TrainAsync(int worldSize, params string[] variant) =>
        JsonDocument.Parse((await WorkerProcesses.RunSharedAndRequireSuccessAsync("TrainConvolutions", worldSize, variant))[0]).RootElement;

    private static double[] Values(JsonElement run, string name) => [.. run.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];

    private static void AssertNear(JsonElement expected, JsonElement actual, string name, double tolerance)
    {
        double[] a = Values(expected, name), b = Values(actual, name);
        Assert.NotEmpty(a);
        Assert.Equal(a.Length, b.Length);
        double largest = a.Zip(b, (x, y) => Math.Abs(x - y)).Max();
        Assert.True(largest <= tolerance, $"{name} differ by {largest}");
    }

    [Theory]
    [InlineData(1, "")]
    [InlineData(2, "")]
    [InlineData(2, "loss.backward")]
    public async Task ActivationCheckpoint_SyncBatchNormDropoutAndZero_TrainToTheSameBits(int worldSize, string pass) =>
        await WorkerProcesses.RunSharedAndRequireSuccessAsync("CheckpointedActivations", worldSize, pass);
}
