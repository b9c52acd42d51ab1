using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

[assembly: AssemblyFixture(typeof(Convoy.Cli.Tests.Training.FinishedRun))]

namespace Convoy.Cli.Tests.Training;

/// <summary>Drawn frames and a finished run on one process, made once, when a class first asks; each class gets a copy to do with as it likes.</summary>
public sealed class FinishedRun : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-finished-").FullName;
    private readonly Lazy<Task> _made;

    public FinishedRun() => _made = new Lazy<Task>(MakeAsync);

    private string Data => Path.Combine(_root, TrainingFixture.DataName);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Copies the data and the run into a folder. The copy's configuration names the original data.</summary>
    public async Task CopyToAsync(string folder)
    {
        await _made.Value;
        foreach (string file in Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(folder, Path.GetRelativePath(_root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private async Task MakeAsync()
    {
        SyntheticDataset.Write(Data, new SyntheticOptions { Frames = TrainingFixture.Frames, Size = new ImageSize(192, 108) });
        ProgramRun run = await ProgramRun.ConvoyAsync(TrainingFixture.Arguments(Data, Path.Combine(_root, TrainingFixture.OneProcessName), 1, "--steps", "10"));
        Assert.True(run.ExitCode == 0, $"exit code {run.ExitCode}: {run.Error}{run.Output}");
    }
}
