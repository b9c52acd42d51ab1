using System.Globalization;
using Convoy.Metrics;
using Convoy.Training.Runs;

namespace Convoy.Training.Programs;

/// <summary>How far a run is, in plain lines: what a program with a task shows when it is started by itself.</summary>
/// <param name="sampleNoun">What a sample is called.</param>
/// <param name="time">The clock.</param>
internal sealed class PlainDisplay(string sampleNoun, TimeProvider time) : ITrainingDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private TrainingStart? _start;
    private long? _lastLine;

    /// <inheritdoc/>
    public void Say(string line, string emphasized = "") => Console.Out.WriteLine(line + emphasized);

    /// <inheritdoc/>
    public void Warn(string line) => ConsoleProgram.WriteWarning(line);

    /// <inheritdoc/>
    public void Notice(string line) => ConsoleProgram.WriteNotice(line);

    /// <inheritdoc/>
    public void Show(TrainingEvent progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (progress.Started is { } start)
        {
            _start = start;
            if (start.StepsDone > 0)
            {
                Say(string.Create(CultureInfo.InvariantCulture, $"Going on after step {start.StepsDone} of {start.Steps}."));
            }
        }
        else if (progress.Step is { } step && _start is { } known && (step.Step == known.Steps || step.Evaluation is not null || _lastLine is not { } last || time.GetElapsedTime(last) > Interval))
        {
            _lastLine = time.GetTimestamp();
            Say(Line(step, known));
        }
        else if (progress.Note is { } note)
        {
            Say(note);
        }
        else if (progress.Checkpoint is { } folder)
        {
            Say($"Checkpoint {folder}");
        }
    }

    /// <inheritdoc/>
    public Task ShowPreparation(Func<IProgress<(int Done, int Total)>, Task> work) => work(NoProgress.Instance);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private string Line(StepMetrics step, TrainingStart start)
    {
        string speed = step.StepTime is > 0 and { } seconds ? string.Create(CultureInfo.InvariantCulture, $"  {step.BatchSize / seconds:0.00} {sampleNoun}s/s") : string.Empty;
        string evaluation = string.Concat((step.Evaluation ?? new Dictionary<string, double>()).Select(metric => string.Create(CultureInfo.InvariantCulture, $"  {metric.Key} {metric.Value:0.0000}")));
        return string.Create(CultureInfo.InvariantCulture, $"step {step.Step}/{start.Steps}  loss {step.Loss:0.0000}{speed}{evaluation}");
    }
}
