using System.Diagnostics;
using System.Globalization;

namespace Convoy.Stress.Kills;

/// <summary>One start of <c>convoy train</c> on a trial's run directory.</summary>
internal sealed class Session : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output, _error;

    private Session(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The launcher's process.</summary>
    public int Launcher => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>The command line of a run of few steps with a checkpoint after each second update.</summary>
    public static string[] NewRun(string data, string run, int processes, int keep) =>
    [
        "train", "--data", data, "--out", run, "--nproc", processes.ToString(CultureInfo.InvariantCulture), "--threads", "1", "--workers", "1", "--image-size", "96x64", "--val-split", "0",
        "--batch-size", "2", "--accumulate", "1", "--steps", UnbrokenRun.Steps.ToString(CultureInfo.InvariantCulture), "--checkpoint-every", "2",
        "--keep-checkpoints", keep.ToString(CultureInfo.InvariantCulture), "--timeout", "60",
    ];

    /// <summary>Starts the program.</summary>
    /// <param name="arguments">Its command line.</param>
    /// <param name="mark">Marks it and what it starts.</param>
    /// <param name="temporary">The folder for its temporary files.</param>
    public static Session Start(string[] arguments, string mark, string temporary)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[MarkedProcesses.Variable] = mark;
        start.Environment["TMPDIR"] = temporary;
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // whose socket in the temporary folder a killed process leaves
        return new Session(Process.Start(start)!);
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Exit code and standard error, or null when it has not ended within <paramref name="patience"/>.</returns>
    public async Task<(int Code, string Output, string Error)?> EndAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            return (_process.ExitCode, await _output, await _error);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _process.Dispose();
}
