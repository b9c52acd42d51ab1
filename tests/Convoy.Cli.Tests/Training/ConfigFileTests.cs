using System.Text.Json;

namespace Convoy.Cli.Tests.Training;

/// <summary><c>train --config FILE</c>: the file's values, and the command line's over them.</summary>
public sealed class ConfigFileTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    [Fact]
    public async Task Train_WithConfig_TakesItsValuesAndTheCommandLineWins()
    {
        string file = Write("good.json", $$"""{ "data": "{{fixture.Data}}", "nproc": 1, "threads": 1, "image_size": "96x64", "val_split": 0, "lr": 0.25, "workers": 1, /* a comment */ "keep_checkpoints": 0, "steps": 2, }""");

        ProgramRun run = await ProgramRun.ConvoyAsync("train", "--config", file, "--out", fixture.At("configured"), "--lr", "0.125");

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement config = TrainingFixture.Json(Path.Combine(fixture.At("configured"), "config.json"));
        Assert.Equal(fixture.Data, config.GetProperty("data").GetString());
        Assert.Equal("96x64", config.GetProperty("image_size").GetString());
        Assert.Equal(0.125, config.GetProperty("lr").GetDouble());
        Assert.Equal(2, TrainingFixture.Steps(fixture.At("configured")).Count);
        Assert.False(Directory.Exists(Path.Combine(fixture.At("configured"), "checkpoints"))); // keep_checkpoints 0
        Assert.DoesNotContain("predict", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown setting (thread in ", "Did you mean threads?", """{ "thread": 1 }""")]
    [InlineData("unknown setting (frobnicate in ", "Known are data, ", """{ "frobnicate": 1 }""")]
    [InlineData("lr in ", "must be a number (got fast).", """{ "lr": "fast" }""")]
    [InlineData("data in ", "must be text (got 3).", """{ "data": 3 }""")]
    [InlineData("nproc in ", "must be a whole number (got null).", """{ "nproc": null }""")]
    [InlineData("not an image size (big)", "", """{ "image_size": "big" }""")]
    [InlineData("the configuration cannot be read", "", """{ "lr": """)]
    [InlineData("the configuration cannot be read", "", """{ "lr": 1, "lr": 2 }""")]
    [InlineData("the configuration is no JSON object", "", "[1]")]
    [InlineData("precision in ", "must be one of fp32, bf16, fp16 (got 99).", """{ "precision": 99 }""")]
    [InlineData("precision in ", "must be one of fp32, bf16, fp16 (got 1).", """{ "precision": 1 }""")]
    [InlineData("precision in ", "must be one of fp32, bf16, fp16 (got 1).", """{ "precision": "1" }""")]
    [InlineData("fuse in ", "must be auto, fixed, none, names from norm, decoder, loss, optimizer, convolution, separated by commas, or the path of a table of kernels (got 31).", """{ "fuse": 31 }""")]
    [InlineData("encoder in ", "must be one of resnet18, resnet34 (got 18).", """{ "encoder": 18 }""")]
    [InlineData("precision in ", "must be one of fp32, bf16, fp16 (got null).", """{ "precision": null }""")]
    [InlineData("a setting's value has the character NUL (\\u0000), which no path can have (cache in ", "", """{ "cache": "a\u0000b" }""")]
    [InlineData("a setting's value has the character NUL (\\u0000), which no path can have (data in ", "", """{ "data": "a\u0000b" }""")]
    [InlineData("a setting's value is no Unicode text (cache in ", "", """{ "cache": "\ud800" }""")]
    [InlineData("a setting's value is no Unicode text (precision in ", "", """{ "precision": "\udc00x" }""")]
    [InlineData("a setting's value is no Unicode text (nproc in ", "", """{ "nproc": ["\ud800"] }""")]
    [InlineData("a setting's name is no Unicode text (", "", """{ "\ud800": 1 }""")]
    [InlineData("a setting that names a path is empty (val in ", "", """{ "val": "" }""")]
    [InlineData("--schedule-steps must be at least 1 and at most 1125899906842624 ", "(got 9223372036854775807).", """{ "schedule_steps": 9223372036854775807 }""")]
    [InlineData("--lr must be above 0 ", "(got -1).", """{ "lr": -1 }""")]
    public async Task Train_BadConfig_IsRefusedBeforeAnythingIsWritten(string expected, string remedy, string text)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("train", "--data", fixture.Data, "--config", Write("bad.json", text), "--out", fixture.At("never"));

        Assert.Equal(2, run.ExitCode);
        Assert.Matches(@"\Aconvoy: error: [^\n]+ \([^\n]*\)\.[^\n]*\n\z", run.Error);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Contains(remedy, run.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(fixture.At("never")));
    }

    [Fact]
    public async Task Train_AbsentConfig_IsRefused()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("train", "--data", fixture.Data, "--config", fixture.At("absent.json"), "--out", fixture.At("never"));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("no such file", run.Error, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(fixture.At(name), text);
        return fixture.At(name);
    }
}
