using System.Globalization;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Programs;
using Convoy.Training.Runs;
using Spectre.Console;

namespace Convoy.Cli.Training;

/// <summary>How far a run is: a live bar on a terminal; otherwise a plain line every few seconds.</summary>
/// <param name="console">Where it is shown.</param>
/// <param name="time">The clock.</param>
/// <param name="sampleNoun">What a sample is called.</param>
internal sealed class TrainingDisplay(IAnsiConsole console, TimeProvider time, string sampleNoun) : ITrainingDisplay
{
    // Long enough to be steady, short enough to follow.
    private const int StepsAveraged = 20;
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Queue<StepMetrics> _recent = new();
    private LiveBar? _bar;
    private TrainingStart? _start;
    private long _lastLine;
    private bool _closed;

    /// <summary>Shows what rank 0 told.</summary>
    public void Show(TrainingEvent progress)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            if (progress.Started is { } start)
            {
                _start = start;
                _recent.Clear();
                _bar ??= ConsoleOutput.IsTerminal(console) ? new LiveBar(console) : null;
                _bar?.Update(start.StepsDone, start.Steps, "first step");
                if (start.StepsDone > 0)
                {
                    Write($"Going on after step {Text(start.StepsDone)} of {Text(start.Steps)}.");
                }
            }
            else if (progress.Step is { } step && _start is not null)
            {
                Advance(step, _start);
            }
            else if (progress.Note is { } note)
            {
                Write(note);
            }
            else if (progress.Checkpoint is { } folder && _bar is null)
            {
                Write($"Checkpoint {folder}");
            }
        }
    }

    /// <summary>Writes a line, above the bar where there is one.</summary>
    public void Say(string line, string emphasized = "")
    {
        lock (_gate)
        {
            if (_bar is null && emphasized.Length > 0)
            {
                console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{line}[bold]{emphasized}[/]");
            }
            else
            {
                Write(line + emphasized);
            }
        }
    }

    /// <summary>Writes a warning on standard error, or above the bar.</summary>
    public void Warn(string line)
    {
        lock (_gate)
        {
            if (_bar is null)
            {
                ConsoleOutput.Warning(line);
            }
            else
            {
                _bar.Say($"convoy: warning: {line}");
            }
        }
    }

    /// <inheritdoc/>
    public Task ShowPreparation(Func<IProgress<(int Done, int Total)>, Task> work) => FrameProgress.ShowAsync(console, "Making the data ready", work);

    /// <summary>Writes a line on standard error, or above the bar.</summary>
    public void Notice(string line)
    {
        lock (_gate)
        {
            if (_bar is null)
            {
                ConsoleOutput.Notice(line);
            }
            else
            {
                _bar.Say($"convoy: {line}");
            }
        }
    }

    /// <summary>Leaves the bar as it stands. What a worker's leftover process still writes is not shown.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _bar?.Dispose();
            _bar = null;
        }
    }

    private void Advance(StepMetrics step, TrainingStart start)
    {
        _recent.Enqueue(step);
        if (_recent.Count > StepsAveraged)
        {
            _recent.Dequeue();
        }

        // The first step of a process also sets up its kernels, so it says nothing about those to come.
        StepMetrics[] steady = _recent.Where(recent => recent.Step > start.StepsDone + 1).DefaultIfEmpty(step).ToArray();
        double seconds = steady.Sum(recent => recent.StepTime ?? 0);
        double waiting = steady.Sum(recent => (recent.DataTime ?? 0) + (recent.WaitTime ?? 0));
        int perEpoch = Math.Max(1, start.StepsPerEpoch);
        long epoch = ((step.Step - 1) / perEpoch) + 1, epochs = ((start.Steps - 1) / perEpoch) + 1;
        string figures = string.Create(CultureInfo.InvariantCulture,
            $"epoch {epoch}/{epochs}  loss {_recent.Average(recent => recent.Loss):0.0000}  {steady.Sum(recent => (double)recent.BatchSize) / seconds:0.00} {sampleNoun}s/s  {100 * waiting / seconds:0} % waiting");
        if (step.Evaluation is { } evaluation)
        {
            Write(string.Create(CultureInfo.InvariantCulture, $"step {step.Step}: {string.Join(", ", evaluation.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.0000}")))} on held-out data"));
        }

        string left = Left((start.Steps - step.Step) * seconds / steady.Length);
        if (_bar is not null)
        {
            _bar.Update(step.Step, start.Steps, $"{figures}  {left}");
        }
        else if (step.Step == start.Steps || _lastLine == 0 || time.GetElapsedTime(_lastLine) > LineInterval)
        {
            _lastLine = time.GetTimestamp();
            Write($"step {Text(step.Step)}/{Text(start.Steps)}  {figures}  {left}");
        }
    }

    private void Write(string line)
    {
        if (_bar is null)
        {
            console.WriteLine(line);
        }
        else
        {
            _bar.Say(line);
        }
    }

    // Times come from another process: no number of seconds may end this one.
    private static string Left(double seconds) =>
        seconds >= 0 && seconds < TimeSpan.MaxValue.TotalSeconds ? $"{Clock.Text(TimeSpan.FromSeconds(seconds))} left" : "time left unknown";

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
