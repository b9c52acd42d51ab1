using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Distributed.Backends.Single;

namespace Convoy.Distributed.Tests;

public sealed partial class ProcessGroupMainTests : IDisposable
{
    private readonly ProcessGroupSingle _group = new();

    public void Dispose() => _group.Dispose();

    [Fact]
    public void LocalRank_GroupNobodyLaunched_IsItsRank()
    {
        Assert.True(_group.IsMain);
        Assert.Equal((0, 1), (_group.LocalRank, _group.LocalSize));
    }

    [Fact]
    public void NewGroup_OfALaunchedGroup_KeepsThePlaceOnTheMachine()
    {
        (_group.LocalRank, _group.LocalSize) = (3, 8);
        using ProcessGroup made = _group.NewGroup([0])!;
        Assert.Equal((3, 8), (made.LocalRank, made.LocalSize));
    }

    [Fact]
    public void Print_RankZero_WritesALine()
    {
        using var writer = new StringWriter { NewLine = "\n" };
        _group.Print("loss 1", writer);
        Assert.Equal("loss 1\n", writer.ToString());
    }

    [Fact]
    public void MainFirst_OneRank_GivesWhatItGave() => Assert.Equal(5, _group.MainFirst(() => 5));

    [Fact]
    public void MainFirst_RankZeroThrows_ThrowsThat() =>
        Assert.Equal("disk full", Assert.Throws<IOException>(() => _group.MainFirst(() => throw new IOException("disk full"))).Message);

    [Fact]
    public void MainFirst_RankZeroThrowsInABrokenGroup_ThrowsThat()
    {
        IOException thrown = Assert.Throws<IOException>(() => _group.MainFirst(() =>
        {
            _group.Break(new DistributedException("rank 1 is gone"));
            throw new IOException("disk full");
        }));

        Assert.Equal("disk full", thrown.Message);
        Assert.Equal("rank 1 is gone", Assert.Throws<DistributedException>(_group.Barrier).Message);
    }

    [Fact]
    public void AllGatherObject_WhatTrainingTells_ComesBack()
    {
        Assert.Equal([null], _group.AllGatherObject<string?>(null));
        Assert.Equal(["\u00e9\u4e2d\ud83d\ude00"], _group.AllGatherObject("\u00e9\u4e2d\ud83d\ude00"));
        Assert.True(double.IsNaN(_group.AllGatherObject(double.NaN)[0]));
        Assert.Equal(double.NegativeInfinity, _group.BroadcastObject(double.NegativeInfinity));
        Assert.Equal((1, "a"), _group.BroadcastObject((1, "a")));
        Assert.Equal(new Score("x", 0.5), _group.ScatterObject([new Score("x", 0.5)]));
        Assert.Equal(new Dictionary<string, double> { ["loss"] = 2 }, _group.GatherObject(new Dictionary<string, double> { ["loss"] = 2 })![0]);
    }

    [Fact]
    public void AllGatherObject_GeneratedCode_ComesBack()
    {
        Assert.Equal([new Score("x", 0.5)], _group.AllGatherObject(new Score("x", 0.5), Scores.Default.Score));
        Assert.Equal(new Score("x", 0.5), _group.BroadcastObject(new Score("x", 0.5), Scores.Default.Score));
        Assert.Equal([new Score("x", 0.5)], _group.GatherObject(new Score("x", 0.5), Scores.Default.Score)!);
        Assert.Equal(new Score("x", 0.5), _group.ScatterObject([new Score("x", 0.5)], Scores.Default.Score));
    }

    [Fact]
    public void AllGatherObject_OptionsOfTheCaller_AreUsed()
    {
        var strict = new JsonSerializerOptions { NumberHandling = JsonNumberHandling.Strict };
        DistributedException error = Assert.Throws<DistributedException>(() => _group.AllGatherObject(double.NaN, strict));
        Assert.StartsWith("AllGatherObject: rank 0: Double cannot be serialized: ", error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.InnerException);
    }

    [Fact]
    public void ScatterObject_TooFew_SaysHowMany() =>
        Assert.Equal("ScatterObject: rank 0: 2 objects were given for 1 ranks. Give one for each.", Assert.Throws<DistributedException>(() => _group.ScatterObject([1, 2])).Message);

    [Fact]
    public void BroadcastObject_NoSuchRoot_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => _group.BroadcastObject(1, root: 1));

    internal sealed record Score(string Name, double Value);

    [JsonSerializable(typeof(Score))]
    private sealed partial class Scores : JsonSerializerContext;
}
