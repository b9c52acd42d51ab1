using System.Globalization;

namespace Convoy.Metrics;

/// <summary>
/// Records the steps of any training loop: times of a step's phases, loss, batch size, memory, processor time and context switches, a line a step in
/// <c>metrics_rank{r}.jsonl</c>. Each line is handed to the operating system at once, so that a run that is killed leaves what it measured.
/// </summary>
/// <remarks>
/// <code>
/// using var recorder = StepRecorder.FromEnvironment();
/// foreach (var batch in recorder.Batches(loader))
/// {
///     var loss = Loss(model, batch);    recorder.Lap(StepPhase.Forward);
///     loss.backward();                  recorder.Lap(StepPhase.Backward);
///     optimizer.step();                 recorder.Lap(StepPhase.Optimizer);
///     recorder.EndStep(loss.item&lt;float&gt;(), batchSize: 32);
/// }
/// </code>
/// Where the loop has no loader, it calls <see cref="StartStep"/> itself. For one thread at a time.
/// </remarks>
public sealed class StepRecorder : IDisposable
{
    /// <summary>The environment variable with the folder of the run, which <c>convoy scale</c> and <c>convoy tune</c> set.</summary>
    public const string FolderVariable = "CONVOY_RUN_DIR";

    /// <summary>The environment variable with the number of steps that the run should take.</summary>
    public const string StepsVariable = "CONVOY_STEPS";

    private readonly StepMetricsLog? _log;
    private readonly TimeProvider _time;
    private readonly StepClock _clock;
    private readonly StepUsageMeter _usage = new();
    private readonly double?[] _phases = new double?[Enum.GetValues<StepPhase>().Length];
    private long? _start;
    private bool _isInStep;

    /// <summary>A recorder.</summary>
    /// <param name="folder">The folder of the run, made when absent; null to write nowhere.</param>
    /// <param name="rank">This process's rank, from 0.</param>
    /// <param name="worldSize">How many processes there are, at least 1.</param>
    /// <param name="steps">Steps that the run should take; null, the default, when the loop decides.</param>
    /// <param name="stepsDone">Steps that earlier sessions took, whose lines are kept; default 0.</param>
    /// <param name="time">The clock; default the system's.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    /// <exception cref="IOException">The log cannot be written.</exception>
    public StepRecorder(string? folder, int rank, int worldSize, long? steps = null, long stepsDone = 0, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(worldSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, worldSize);
        ArgumentOutOfRangeException.ThrowIfNegative(stepsDone);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps ?? 1, 1, nameof(steps));
        Rank = rank;
        WorldSize = worldSize;
        Steps = steps;
        StepsDone = stepsDone;
        _time = time ?? TimeProvider.System;
        _clock = new StepClock(_time);
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            _log = new StepMetricsLog(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"metrics_rank{rank}.jsonl")), stepsDone);
        }
    }

    /// <summary>This process's rank.</summary>
    public int Rank { get; }

    /// <summary>How many processes there are.</summary>
    public int WorldSize { get; }

    /// <summary>Steps that the run should take; null when the loop decides.</summary>
    public long? Steps { get; }

    /// <summary>Steps that were recorded, those of earlier sessions included.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Whether <see cref="Steps"/> are done; never where there is no such number.</summary>
    public bool IsDone => StepsDone >= Steps;

    /// <summary>Whether lines are written.</summary>
    public bool IsRecording => _log is not null;

    /// <summary>
    /// A recorder as the environment says: <see cref="FolderVariable"/>, without which nothing is written, <see cref="StepsVariable"/>, and torchrun's RANK and
    /// WORLD_SIZE (default one process alone).
    /// </summary>
    /// <param name="stepsDone">Steps that earlier sessions took; default 0.</param>
    /// <param name="time">The clock; default the system's.</param>
    /// <exception cref="FormatException">A variable is no number.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A variable's number is outside its range.</exception>
    /// <exception cref="IOException">The log cannot be written.</exception>
    public static StepRecorder FromEnvironment(long stepsDone = 0, TimeProvider? time = null) => FromEnvironment(Environment.GetEnvironmentVariable, stepsDone, time);

    /// <summary>The same with variables that are given.</summary>
    internal static StepRecorder FromEnvironment(Func<string, string?> variable, long stepsDone = 0, TimeProvider? time = null)
    {
        long? Number(string name) => variable(name) is not { Length: > 0 } text ? null
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) ? number
            : throw new FormatException($"{name} is no whole number ({text}). Set it to one, or leave it out.");

        return new StepRecorder(variable(FolderVariable) is { Length: > 0 } folder ? folder : null, (int)(Number("RANK") ?? 0), (int)(Number("WORLD_SIZE") ?? 1), Number(StepsVariable), stepsDone, time);
    }

    /// <summary>A step begins: before its batch is fetched, so that waiting for that counts.</summary>
    public void StartStep()
    {
        _start ??= _time.GetTimestamp(); // first, so that the run is never shorter than its steps
        Array.Clear(_phases);
        _isInStep = true;
        _clock.StartStep();
        _usage.StartStep();
    }

    /// <summary>
    /// The batches of a loader, with a step begun for each: waiting for it counts as <see cref="StepPhase.Data"/>. The loop ends each step with <see cref="EndStep"/>. There are no more
    /// batches once <see cref="IsDone"/>.
    /// </summary>
    /// <typeparam name="T">A batch.</typeparam>
    /// <param name="loader">What gives the batches of an epoch.</param>
    public IEnumerable<T> Batches<T>(IEnumerable<T> loader)
    {
        ArgumentNullException.ThrowIfNull(loader);
        return Begin();

        IEnumerable<T> Begin()
        {
            using IEnumerator<T> batches = loader.GetEnumerator();
            while (!IsDone)
            {
                StartStep();
                if (!batches.MoveNext())
                {
                    _isInStep = false;
                    yield break;
                }

                Lap(StepPhase.Data);
                yield return batches.Current;
            }
        }
    }

    /// <summary>A phase ends: the time since the last lap, or the step's start, is added to it.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="communicationSeconds">
    /// Seconds of that time in which gradients were exchanged and nothing else was done, where that is known: they count as <see cref="StepPhase.Communication"/>.
    /// <c>DistributedDataParallel.LastTimings</c> has them for a backward pass. Default 0.
    /// </param>
    /// <param name="waitSeconds">Seconds of that time in which the slowest rank was waited for: they count as <see cref="StepPhase.Wait"/>. Default 0.</param>
    /// <exception cref="InvalidOperationException">No step was started.</exception>
    public void Lap(StepPhase phase, double communicationSeconds = 0, double waitSeconds = 0)
    {
        RequireStep();
        double seconds = _clock.Lap();
        Add(phase, Math.Max(0, seconds - communicationSeconds - waitSeconds));
        if (communicationSeconds > 0)
        {
            Add(StepPhase.Communication, communicationSeconds);
        }

        if (waitSeconds > 0)
        {
            Add(StepPhase.Wait, waitSeconds);
        }
    }

    /// <summary>The step ends, and its line is written.</summary>
    /// <param name="loss">The loss; the mean over the global batch where it is known.</param>
    /// <param name="batchSize">Samples of all ranks in this step, at least 1.</param>
    /// <param name="learningRate">The learning rate; null, the default, to leave it out.</param>
    /// <returns>What was recorded.</returns>
    /// <exception cref="InvalidOperationException">No step was started.</exception>
    public StepMetrics EndStep(double loss, int batchSize, double? learningRate = null)
    {
        RequireStep();
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        double seconds = _clock.StepSeconds;
        _isInStep = false;
        StepsDone++;
        StepMetrics step = _usage.AddTo(new StepMetrics
        {
            Timestamp = _time.GetUtcNow(),
            Rank = Rank,
            Step = StepsDone,
            Loss = loss,
            BatchSize = batchSize,
            LearningRate = learningRate,
            ElapsedTime = _time.GetElapsedTime(_start!.Value).TotalSeconds,
            StepTime = seconds,
            DataTime = Of(StepPhase.Data),
            ForwardTime = Of(StepPhase.Forward),
            BackwardTime = Of(StepPhase.Backward),
            CommTime = Of(StepPhase.Communication),
            WaitTime = Of(StepPhase.Wait),
            OptimizerTime = Of(StepPhase.Optimizer),
            WorldSize = WorldSize,
        });
        _log?.Append(step);
        return step;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _log?.Dispose();
        _usage.Dispose();
    }

    private double? Of(StepPhase phase) => _phases[(int)phase];

    private void Add(StepPhase phase, double seconds) => _phases[(int)phase] = (_phases[(int)phase] ?? 0) + seconds;

    private void RequireStep()
    {
        if (!_isInStep)
        {
            throw new InvalidOperationException("No step was started: call StartStep before Lap and EndStep.");
        }
    }
}

/// <summary>A phase of a step, as <see cref="StepMetrics"/> has them.</summary>
public enum StepPhase
{
    /// <summary>Waiting for the next batch.</summary>
    Data,

    /// <summary>Forward pass and loss.</summary>
    Forward,

    /// <summary>Backward pass.</summary>
    Backward,

    /// <summary>Exchange of gradients that computation did not hide.</summary>
    Communication,

    /// <summary>Waiting for the slowest rank.</summary>
    Wait,

    /// <summary>The optimizer's update.</summary>
    Optimizer,
}
