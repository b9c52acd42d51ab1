using System.Globalization;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Runs;
using Convoy.Metrics;
using Convoy.Training.Studies;
using Spectre.Console;

namespace Convoy.Cli.Scaling;

/// <summary>How far a study is: one live table on a terminal; otherwise a plain line for each run.</summary>
/// <param name="console">Where it is shown.</param>
/// <param name="study">The study's files.</param>
/// <param name="settings">Its settings.</param>
/// <param name="plan">Its runs.</param>
/// <param name="sampleNoun">What a sample is called; null where the runs themselves say.</param>
/// <param name="time">The clock of the remaining time.</param>
internal sealed class StudyDisplay(IAnsiConsole console, StudyDirectory study, StudySettings settings, StudyPlan plan, string? sampleNoun, TimeProvider time) : IStudyDisplay, IDisposable
{
    private readonly Lock _gate = new();
    private readonly LiveArea? _area = ConsoleOutput.IsTerminal(console) ? new LiveArea(console) : null;
    private readonly StudyTable _table = new(plan, settings, sampleNoun);
    private readonly RemainingTime _remaining = new(settings.Cores, plan.PlannedRunSeconds);
    private readonly HashSet<StudyConfiguration> _failed = [];
    private RunSet? _measured = Measured(study, plan);
    private HashSet<StudyRun> _whole = [.. plan.Runs.Where(study.Has)];
    private StudyRun? _running;
    private long _begun;
    private string _step = string.Empty;
    private IReadOnlyList<double> _steps = [];
    private int _batch;

    /// <summary>A run starts.</summary>
    public void Begin(StudyRun run)
    {
        lock (_gate)
        {
            (_running, _begun, _step, _steps) = (run, time.GetTimestamp(), "starting", []);
            Draw();
        }
    }

    /// <summary>The run took a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="measured">Seconds of the steps after the warm-up.</param>
    /// <param name="steps">The most steps that it takes.</param>
    public void Step(StepMetrics step, IReadOnlyList<double> measured, int steps)
    {
        lock (_gate)
        {
            _steps = [.. measured];
            _batch = step.BatchSize;
            _step = step.Step <= plan.WarmupSteps
                ? string.Create(CultureInfo.InvariantCulture, $"warm-up step {step.Step} of {plan.WarmupSteps}")
                : string.Create(CultureInfo.InvariantCulture, $"step {step.Step - plan.WarmupSteps} of {(plan.SecondsPerRun is null ? "" : "at most ")}{steps - plan.WarmupSteps}");
            Draw();
        }
    }

    /// <summary>The run is whole.</summary>
    /// <param name="run">The run.</param>
    /// <param name="seconds">How long it took from its start to its end.</param>
    public void Finish(StudyRun run, double seconds)
    {
        // Reading the runs and working out their intervals takes time, in which steps of no run come.
        RunSet? measured = Measured(study, plan);
        HashSet<StudyRun> whole = [.. plan.Runs.Where(study.Has)];
        lock (_gate)
        {
            _running = null;
            _whole = whole;
            _remaining.Add(run.Configuration, seconds);
            _measured = measured;
            Draw();
            if (_area is null)
            {
                console.WriteLine($"{Counted(run)}: {run.Configuration}: {_table.Line(_measured!, run.Configuration)}{Left(0)}");
            }
        }
    }

    /// <summary>A run failed.</summary>
    public void Fail(FailedRun failed)
    {
        lock (_gate)
        {
            _running = null;
            _failed.Add(failed.Run.Configuration);
            string line = $"{failed.Run.Configuration} failed: {failed.Reason}";
            if (_area is null)
            {
                console.WriteLine(line);
            }
            else
            {
                _area.Say(line);
                Draw();
            }
        }
    }

    /// <inheritdoc/>
    public void Notice(string line) => ConsoleOutput.Notice(line);

    /// <summary>Leaves the table as it stands.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _running = null;
            Draw();
            _area?.Dispose();
        }
    }

    private static RunSet? Measured(StudyDirectory study, StudyPlan plan)
    {
        string[] whole = [.. plan.Runs.Where(study.Has).Select(run => study.Run(run).Metrics)];
        return whole.Length == 0 ? null : RunReader.Read(whole);
    }

    private void Draw()
    {
        if (_area is null)
        {
            return;
        }

        Table table = _table.Of(_measured, c => plan.Runs.Count(run => run.Configuration == c && _whole.Contains(run)), _running?.Configuration, (_steps, _batch), _failed);
        string line = _running is { } run
            ? $"{Counted(run)}: {run.Configuration}, {_step}{Left(time.GetElapsedTime(_begun).TotalSeconds)}"
            : string.Empty;
        _area.Update(line.Length > 0 ? new Rows(table, new Text(line)) : table);
    }

    private string Counted(StudyRun run) =>
        string.Create(CultureInfo.InvariantCulture, $"run {_whole.Count + (_running is null ? 0 : 1)} of {plan.Runs.Count}");

    private string Left(double runningSeconds)
    {
        IEnumerable<StudyRun> left = plan.Runs.Where(run => !_whole.Contains(run) && !_failed.Contains(run.Configuration));
        return _remaining.Estimate(left, runningSeconds) is > 0 and { } seconds ? $", about {Clock.Text(TimeSpan.FromSeconds(Math.Ceiling(seconds)))} left" : string.Empty;
    }
}
