using System.Text.Json;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Cli.Tests.Training;

namespace Convoy.Cli.Tests.Scaling;

/// <summary>Drawn frames and a finished study of one and two processes; made once for the tests of a class.</summary>
public sealed class StudyFixture : IAsyncLifetime
{
    private static readonly string[] Small =
    [
        "--image-size", "96x64", "--workers", "1", "--accumulate", "1", "--timeout", "60", "--precision", "fp32", "--threads", "1",
    ];

    public string Root { get; } = Directory.CreateTempSubdirectory("convoy-scale-").FullName;

    public string Data => At("data");

    /// <summary>The study directory.</summary>
    public string Study => At("study");

    /// <summary>What the study's program printed.</summary>
    internal ProgramRun Run { get; private set; } = null!;

    public string At(string name) => Path.Combine(Root, name);

    /// <summary>The command line of a small study; what <paramref name="more"/> repeats is left out of the usual options.</summary>
    public string[] Arguments(string output, params string[] more)
    {
        string[] usual = [.. Small.Chunk(2).Where(pair => !more.Contains(pair[0])).SelectMany(pair => pair)];
        string[] processes = more.Contains("--processes") ? [] : ["--processes", "1,2"];
        string[] steps = more.Contains("--steps") || more.Contains("--minutes") ? [] : ["--steps", "4"];
        return ["scale", "--data", Data, "--out", output, .. processes, .. steps, .. usual, .. more];
    }

    public async ValueTask InitializeAsync()
    {
        SyntheticDataset.Write(Data, new SyntheticOptions { Frames = 24, Size = new ImageSize(192, 108) });
        Run = await ProgramRun.ConvoyAsync(Arguments(Study, "--json"));
        Assert.True(Run.ExitCode == 0, $"exit code {Run.ExitCode}: {Run.Error}{Run.Output}");
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Root, recursive: true);
        return ValueTask.CompletedTask;
    }

    internal static JsonElement Json(string path) => TrainingFixture.Json(path);
}
