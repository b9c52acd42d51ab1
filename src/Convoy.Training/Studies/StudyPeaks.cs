using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Measurement;
using Convoy.Training.Workers;

namespace Convoy.Training.Studies;

/// <summary>How fast the machine multiplies matrices: measured once a study, by a process of the program whose runs it makes.</summary>
/// <param name="study">Where the study keeps its files.</param>
/// <param name="workers">The program with the task.</param>
/// <param name="notice">Told in a line when it comes to nothing, which is no error: what follows is then said to be not measured.</param>
internal sealed class StudyPeaks(StudyDirectory study, WorkerProgram workers, Action<string> notice)
{
    /// <summary>The peaks that the study has, or else measures now.</summary>
    /// <param name="configurations">What the study's runs compute with.</param>
    /// <param name="interrupted">Ends it.</param>
    /// <returns>The peaks; null when they could not be measured.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="interrupted"/> was raised.</exception>
    public async Task<IReadOnlyList<MatrixPeak>?> GetAsync(IEnumerable<StudyConfiguration> configurations, CancellationToken interrupted)
    {
        if (study.ReadPeaks() is { } known)
        {
            return known;
        }

        IReadOnlyList<MatrixPeak>? peaks = null;
        DirectoryInfo scratch = TemporaryFolder.Create("convoy-peaks-", notice);
        LaunchResult result;
        try
        {
            new PeakMeasurement([.. configurations.Select(c => c.Precision is { } precision ? new PeakRequest(precision, c.Threads) : null).OfType<PeakRequest>().Distinct()]).Write(scratch.FullName);
            result = await new Launcher(new LauncherOptions
            {
                Program = workers.Program,
                ProcessCount = 1,
                Environment = WorkerProgram.Environment(WorkerRole.Peaks, scratch.FullName),
                OnNotice = notice,
                LogDirectory = scratch.FullName,
                OnOutput = line => peaks = (line.Stream == WorkerOutputStream.Output ? PeakMeasurement.FromLine(line.Text) : null) ?? peaks,
            }).RunAsync(interrupted).ConfigureAwait(false);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }

        interrupted.ThrowIfCancellationRequested();
        if (peaks is null || result.Failure is not null)
        {
            notice($"the speed of this machine's matrix products is not known: {(result.Failure is { } failure ? FailureText.Describe(failure, hasTimeout: false, keepsLogs: false) : "the program did not measure it")}");
            return null;
        }

        study.WritePeaks(peaks);
        return peaks;
    }
}
