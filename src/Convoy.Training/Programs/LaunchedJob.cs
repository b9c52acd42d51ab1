using System.Globalization;
using Convoy.Distributed;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Distributed.Rendezvous;
using Convoy.Training.Hosts;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Training.Programs;

/// <summary>
/// A training run whose processes somebody else has started: <c>mpirun</c>, <c>srun</c>, <c>torchrun</c>, <c>convoy launch</c>. This process is one of its ranks and starts none. Rank 0 reads the command line, makes the run
/// directory and shows the run; the other ranks get from it, through the process group, what they have to know, so that their hosts need not see its files.
/// </summary>
public sealed class LaunchedJob
{
    private const string RunId = "TORCHELASTIC_RUN_ID", Restart = "TORCHELASTIC_RESTART_COUNT", MaximumRestarts = "TORCHELASTIC_MAX_RESTARTS", SlurmRestart = "SLURM_RESTART_COUNT", TimeoutOption = "--timeout", BackendOption = "--backend";

    private readonly RankEnvironment _ranks;
    private readonly string[] _arguments;
    private readonly RankFailure _failure;
    private ProcessGroup? _group;
    private IReadOnlyList<RankHost> _hosts = [];
    private bool _told;

    private LaunchedJob(RankEnvironment ranks, IReadOnlyList<string> arguments)
    {
        (_ranks, _arguments) = (ranks, [.. arguments]);
        _failure = new RankFailure(_arguments, ranks);
        ChooseBackend();
    }

    /// <summary>Whether this is rank 0.</summary>
    public bool IsFirst => _ranks.Rank == 0;

    /// <summary>How many ranks there are.</summary>
    public int Size => _ranks.WorldSize;

    /// <summary>The exit code of a rank that failed, once that is told; null before.</summary>
    internal int? FailureCode => _failure.ExitCode;

    /// <summary>Whether the launcher has started the job before, and starts it again after a failure.</summary>
    private static bool IsRestart => Number(Restart) > 0 || Number(SlurmRestart) > 0;

    /// <summary>The job that this process belongs to; null for a process that a person started, and for one process of a launcher that starts none for others (a batch script of SLURM's, say).</summary>
    /// <param name="arguments">The command line, the same on all ranks.</param>
    /// <exception cref="RendezvousException">A variable of the launcher is wrong.</exception>
    public static LaunchedJob? FromEnvironment(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var ranks = RankEnvironment.Read();
        return ranks.WorldSize > 1 || !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(RunId)) ? new LaunchedJob(ranks, arguments) : null;
    }

    /// <summary>The run that a command line means, as <see cref="ResumedRun.Choose"/>; where the launcher starts the job again after a failure, the run that it started before goes on.</summary>
    /// <param name="output">The value of <c>--out</c>; null for a folder of its own.</param>
    /// <param name="resume">The value of <c>--resume</c>; null for a new run.</param>
    /// <param name="restarts">The value of <c>--max-restarts</c>.</param>
    /// <exception cref="BadInputException">Both are given, or what is the launcher's to do.</exception>
    public (RunDirectory Run, ResumedRun? Resumed) Choose(string? output, string? resume, int restarts)
    {
        if (restarts > 0)
        {
            throw new BadInputException("under a launcher it is the launcher that starts processes again", string.Create(CultureInfo.InvariantCulture, $"--max-restarts {restarts}, {_ranks.Source}"), "Give --max-restarts to convoy launch or torchrun.");
        }

        if (output is null && resume is null && (IsRestart || Number(MaximumRestarts) > 0))
        {
            throw new BadInputException("a launcher that starts the job again needs to find the run", "neither --out nor --resume is given", "Give --out DIR.");
        }

        (RunDirectory run, ResumedRun? resumed) = ResumedRun.Choose(output, resume);
        return !IsRestart || !File.Exists(run.Config) ? (run, resumed) : (run, new ResumedRun(run, Step: null));
    }

    /// <summary>A run's settings with the job's number of processes, and its share of the host's cores for each.</summary>
    /// <param name="start">The settings to start from.</param>
    /// <param name="given">Puts in what the user gives.</param>
    /// <exception cref="BadInputException">The user gives another number of processes, or a value is wrong.</exception>
    public RunConfiguration Resolve(RunConfiguration start, Func<RunConfiguration, RunConfiguration> given)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(given);

        // What an earlier session had is no wish for this one.
        int threads = start.Training.Nproc == Size ? start.Training.Threads : 0;
        RunConfiguration wanted = given(start with { Training = start.Training with { Nproc = 0, Threads = threads } });
        if (wanted.Training.Nproc is not 0 && wanted.Training.Nproc != Size)
        {
            throw new BadInputException(
                "--nproc is not the number of processes that the launcher has started",
                string.Create(CultureInfo.InvariantCulture, $"{wanted.Training.Nproc}, but {Size} from {_ranks.Source}"),
                "Leave it out, or start as many.");
        }

        string backend = EnumNameConverter<Backend>.Format(wanted.Training.Backend);
        return wanted.Training.Backend == Backend.Auto || Environment.GetEnvironmentVariable(ProcessGroups.BackendVariable) == backend
            ? (wanted with { Training = wanted.Training with { Nproc = Size } }).Resolve(Size * RankHost.CoresOfEach(_hosts))
            : throw new BadInputException("under a launcher the ranks meet before the run's settings are read", $"backend {backend}", $"Give --backend {backend} on the command line.");
    }

    /// <summary>Rank 0: joins the others, does the work of the run and leaves. What goes wrong is told once for all ranks.</summary>
    /// <param name="body">The work; gives the exit code.</param>
    /// <param name="interrupted">Asks for an early end.</param>
    /// <returns>The exit code.</returns>
    public int Lead(Func<Task<int>> body, CancellationToken interrupted)
    {
        ArgumentNullException.ThrowIfNull(body);
        return InGroup(() => body().GetAwaiter().GetResult(), interrupted);
    }

    /// <summary>Rank 0, at the end of the program: a run that never began is over for the other ranks, too, with the same exit code.</summary>
    /// <param name="code">The exit code.</param>
    /// <returns>It.</returns>
    public int End(int code)
    {
        // Of an interruption the launcher tells all ranks.
        if (!IsFirst || _told || _failure.ExitCode is not null || code is ExitCodes.Interrupted or ExitCodes.HungUp)
        {
            return code;
        }

        try
        {
            return DistributedProgram.RunRank(
                group =>
                {
                    Meet(group);
                    Tell(group, new JobStart { ExitCode = code });
                    return code;
                },
                Timeout());
        }
        catch (DistributedException)
        {
            // Ranks that did not come have an error of their own, and what this one has to say is said.
            return code;
        }
    }

    /// <summary>Another rank than 0: trains its part of the run.</summary>
    /// <param name="task">The task, whose settings come from rank 0.</param>
    /// <param name="interrupted">Asks for an early end.</param>
    /// <returns>The exit code.</returns>
    public int Follow<TModel, TBatch>(ITrainingTask<TModel, TBatch> task, CancellationToken interrupted)
        where TModel : nn.Module
        where TBatch : IDisposable => InGroup(
        () =>
        {
            JobStart start = Tell(_group!, new JobStart());
            return start.ExitCode ?? new FollowingRank(TaskHost.Create(task), start, _group!, _failure).Run(interrupted);
        },
        interrupted);

    /// <summary>Rank 0: tells the others what to do, and finds out who sees the run's folder.</summary>
    internal void Begin(RunConfiguration configuration, RunDirectory run, string session, int samples, TraceSteps? trace)
    {
        TraceFile.DeleteAll(run.Logs);
        Tell(_group!, new JobStart { Configuration = configuration.ToJson().ToJsonString(), Root = run.Root, Session = session, Samples = samples, Trace = trace?.ToString(), Machine = _hosts[0].Machine });
        run.Shared = SharedFolder.Find(_group!, run.Root);
    }

    /// <summary>Rank 0: does its part of what all ranks have to have done before any goes on.</summary>
    /// <param name="work">The work.</param>
    internal void Together(Action work) => JointWork.Do(_group!, work);

    /// <summary>Rank 0: trains its part, and leaves the group, so that the others can end.</summary>
    internal TrainingOutcome Train(TaskProgram task, RunConfiguration configuration, RunDirectory run, TraceSteps? trace, IProgress<TrainingEvent> events, CancellationToken interrupted)
    {
        try
        {
            TrainingOutcome outcome = task.TrainRank(configuration, run, _group!, trace, events, interrupted);
            if (trace is not null)
            {
                _group!.Barrier(); // All ranks' traces are written.
            }

            _group!.Dispose();
            return outcome;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            _failure.Tell(_group!, error);
            throw;
        }
    }

    private static long Number(string variable) => long.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;

    private int InGroup(Func<int> body, CancellationToken interrupted)
    {
        try
        {
            return DistributedProgram.RunRank(
                group =>
                {
                    try
                    {
                        Meet(group);
                        return body();
                    }
                    catch (OperationCanceledException) when (IsFirst && !_told)
                    {
                        Tell(group, new JobStart { ExitCode = ExitCodes.Interrupted });
                        throw;
                    }
                    catch (Exception error) when (error is not OperationCanceledException && _failure.ExitCode is null)
                    {
                        FailInGroup(group, error);
                        throw;
                    }
                },
                Timeout(),
                interrupted);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return _failure.ExitCode ?? _failure.TellAlone(error);
        }
    }

    // What rank 0 finds before the run begins, the others hear of in place of the run.
    private void FailInGroup(ProcessGroup group, Exception error)
    {
        if (!IsFirst || _told || error is DistributedException)
        {
            _failure.Tell(group, error);
        }
        else
        {
            Tell(group, new JobStart { ExitCode = _failure.TellAlone(error) });
        }
    }

    private void Meet(ProcessGroup group)
    {
        _group = group;
        _hosts = group.AllGatherObject(RankHost.Read());
        if (IsFirst)
        {
            RankHost.RequireSameVersion(_hosts);
        }
    }

    private JobStart Tell(ProcessGroup group, JobStart start)
    {
        _told = true;
        return group.BroadcastObject(start);
    }

    // The group is there before the run's settings are: the command line is what all ranks have.
    private TimeSpan Timeout()
    {
        string? given = ValueOf(TimeoutOption);
        return TimeSpan.FromSeconds(double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= 86_400 ? seconds : new TrainingOptions().TimeoutSeconds);
    }

    // What a command line's option says, before rank 0 has read all of it.
    private string? ValueOf(string option) => _arguments.Index().Where(word => word.Item.Split('=')[0] == option)
        .Select(word => word.Item.Contains('=', StringComparison.Ordinal) ? word.Item.Split('=', 2)[1] : _arguments.ElementAtOrDefault(word.Index + 1)).LastOrDefault();

    // The group is joined before rank 0 has read the settings. A name that is none is told by whoever reads them.
    private void ChooseBackend()
    {
        if (ValueOf(BackendOption) is { } name && name != EnumNameConverter<Backend>.Format(Backend.Auto) && EnumNameConverter<Backend>.Parse(name) is not null)
        {
            Environment.SetEnvironmentVariable(ProcessGroups.BackendVariable, name);
        }
    }
}

/// <summary>What rank 0 tells the others at a run's start.</summary>
internal sealed record JobStart
{
    /// <summary>The exit code of a run that never begins; null for one that does.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The run's settings as config.json has them.</summary>
    public string Configuration { get; init; } = string.Empty;

    /// <summary>The run directory on rank 0.</summary>
    public string Root { get; init; } = string.Empty;

    /// <summary>The session to join, see <see cref="RunLock"/>.</summary>
    public string Session { get; init; } = string.Empty;

    /// <summary>Samples to train on, as rank 0 has counted them.</summary>
    public int Samples { get; init; }

    /// <summary>The steps to put on a time line; null for none.</summary>
    public string? Trace { get; init; }

    /// <summary>Rank 0's machine, whose clock the time line has.</summary>
    public string Machine { get; init; } = string.Empty;
}
