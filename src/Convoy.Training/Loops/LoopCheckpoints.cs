using System.Text.Json.Nodes;
using Convoy.Distributed;
using Convoy.Distributed.Optim;
using Convoy.Torch.Amp;
using Convoy.Training.Checkpoints;
using Convoy.Training.Hosts;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Loops;

/// <summary>
/// The checkpoints of a training loop of one's own: <see cref="Add(string, nn.Module)"/> says what belongs into them, as Accelerate's <c>register_for_checkpointing</c>, and
/// <see cref="Save"/> and <see cref="Load"/> are one call each, as Fabric's <c>save</c> and <c>load</c>. A loop that is killed and started again goes on as if it had not been, to the bit.
/// </summary>
/// <remarks>
/// <para>
/// Each checkpoint is a folder <c>step-000120</c> in the form of <c>convoy train</c>: weights and state as safetensors, the rest as <c>state.json</c>, with the SHA-256 of all. A folder of
/// that name is whole at every instant, whatever ends the process. Rank 0 writes; ranks that do not see its folder, on hosts without a common file system, get its files through the group. The states of torch's random generators of all ranks are inside.
/// </para>
/// <para>
/// What is not there: .NET's own <see cref="Random"/> and random generators that the program makes, gradients (save after an update, not between two), and an optimizer's other options,
/// which are those that the program gives. With another number of ranks a run goes on with other random numbers. One run at a time uses a folder.
/// </para>
/// </remarks>
public sealed class LoopCheckpoints
{
    private const string OwnEntry = "loop", PartsEntry = "parts";
    private const long None = -1;

    private readonly string _folder;
    private readonly ProcessGroup _group;
    private readonly int _keep;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly CheckpointContent _content = new();
    private double _elapsedBefore;
    private long _lastStep = None;
    private bool _hasLoaded;

    /// <summary>Names the folder; nothing is read or written yet.</summary>
    /// <param name="folder">The folder of this run's checkpoints; made when absent.</param>
    /// <param name="group">The ranks; stays the caller's.</param>
    /// <param name="keep">How many of the newest checkpoints stay; at least 1. Default: 2.</param>
    /// <param name="time">The clock. Default: the system's.</param>
    /// <exception cref="ArgumentException">No folder, or fewer than 1 to keep.</exception>
    public LoopCheckpoints(string folder, ProcessGroup group, int keep = 2, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentNullException.ThrowIfNull(group);
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        (_folder, _group, _keep, _time) = (Path.GetFullPath(folder), group, keep, time ?? TimeProvider.System);
        _start = _time.GetTimestamp();
    }

    /// <summary>The metric by which one checkpoint is the best and stays beside the newest (Lightning's <c>ModelCheckpoint(monitor=...)</c>); null for none. Default: none.</summary>
    public MetricGoal? Best { get; init; }

    /// <summary>Told on rank 0 in a line of each damaged checkpoint that is passed over. Default: nobody.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>Seconds since this was made, and those of the earlier sessions of the run.</summary>
    public double ElapsedSeconds => _elapsedBefore + _time.GetElapsedTime(_start).TotalSeconds;

    /// <summary>Adds a module: its parameters and buffers, under their own names, in <c>NAME.safetensors</c>.</summary>
    /// <param name="name">The part's name: letters, digits, - and _. <c>model</c> is what <c>Checkpoint.ModelFile</c> looks for.</param>
    /// <param name="module">The module, or a <c>DistributedDataParallel</c> around it, which is the same.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or cannot be a file's.</exception>
    public LoopCheckpoints Add(string name, nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        return Add(name, new ModulePart(module));
    }

    /// <summary>Adds an optimizer: its state and its learning rates. It is one of TorchSharp's but LBFGS, <c>FusedAdamW</c> (which goes on from AdamW's state, and the other way around), or a <see cref="ZeroRedundancyOptimizer"/>, whose state is written whole, so that any number of ranks goes on with it.</summary>
    /// <param name="name">The part's name.</param>
    /// <param name="optimizer">The optimizer; its parameters are those of modules that are added, too.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or cannot be a file's.</exception>
    public LoopCheckpoints Add(string name, optim.Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return Add(name, optimizer is ZeroRedundancyOptimizer sharded ? new ShardedOptimizerPart(sharded, _content.NamesOf) : new OptimizerPart(optimizer, _content.NamesOf));
    }

    /// <summary>Adds one of TorchSharp's learning rate schedulers: its counters, as PyTorch's <c>state_dict</c>. Add its optimizer, too, from whose rates it goes on.</summary>
    /// <param name="name">The part's name.</param>
    /// <param name="scheduler">The scheduler, made with the same arguments as in the session before.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or cannot be a file's.</exception>
    /// <exception cref="NotSupportedException">It is made of other schedulers, or none of TorchSharp's.</exception>
    public LoopCheckpoints Add(string name, optim.lr_scheduler.LRScheduler scheduler)
    {
        ArgumentNullException.ThrowIfNull(scheduler);
        return Add(name, new SchedulerPart(scheduler));
    }

    /// <summary>Adds a gradient scaler: its scale and its counter. One that is disabled has no state.</summary>
    /// <param name="name">The part's name.</param>
    /// <param name="scaler">The scaler.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or cannot be a file's.</exception>
    public LoopCheckpoints Add(string name, GradScaler scaler)
    {
        ArgumentNullException.ThrowIfNull(scaler);
        return Add(name, new ScalerPart(scaler));
    }

    /// <summary>Adds what has a state of its own, such as an <see cref="ExponentialMovingAverage"/> or an <see cref="EarlyStopping"/>.</summary>
    /// <param name="name">The part's name.</param>
    /// <param name="part">The part; rank 0's state is written.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or cannot be a file's.</exception>
    public LoopCheckpoints Add(string name, ICheckpointPart part)
    {
        ArgumentNullException.ThrowIfNull(part);
        return Add(name, new CustomPart(part));
    }

    /// <summary>
    /// Goes back to the newest checkpoint that is whole: all parts, the ranks' random generators, and the loop's own state. Damaged ones are passed over with a word to <see cref="Warn"/>,
    /// and named <c>.set-aside</c>. All ranks call it together, once, after the model is wrapped and all parts are added.
    /// </summary>
    /// <typeparam name="T">Where the loop stands: what System.Text.Json reads and writes, such as <c>record Progress(int Epoch, long Step)</c>.</typeparam>
    /// <param name="beginning">Where a loop without a checkpoint begins.</param>
    /// <returns>What <see cref="Save"/> was given for that checkpoint; <paramref name="beginning"/> where there is none.</returns>
    /// <exception cref="BadInputException">There are checkpoints, but none is whole, or the one that is does not fit the parts. On all ranks.</exception>
    /// <exception cref="IOException">Rank 0 cannot look at the folder. On all ranks.</exception>
    /// <exception cref="DistributedException">Another rank failed.</exception>
    public T Load<T>(T beginning)
    {
        _lastStep = FirstRank.Run(_group, "look for a checkpoint", FindNewest);
        _hasLoaded = true;
        if (_lastStep == None)
        {
            return beginning;
        }

        using SharedFolder shared = SharedFolder.Find(_group, _folder);
        var checkpoint = Checkpoint.Open(shared.Bring(Path.GetFileName(new CheckpointStore(_folder).FolderOf(_lastStep))));
        if (checkpoint.State.Task is not { } entries || entries[PartsEntry] is not JsonObject parts || !entries.ContainsKey(OwnEntry))
        {
            throw new BadInputException("the checkpoint is not one of a loop of your own", checkpoint.Folder, "Give the folder of this program's checkpoints; convoy train --resume goes on with one of a task.");
        }

        T state = CheckpointJson.Read<T>(entries[OwnEntry], $"a {typeof(T).Name}");
        _content.Load(checkpoint.Folder);
        _content.LoadStates(parts);
        RandomStates.Restore(checkpoint, _group);
        if (!shared.IsEverywhere)
        {
            _group.Barrier(); // A copy is gone after this.
        }

        _elapsedBefore = checkpoint.State.ElapsedTime - _time.GetElapsedTime(_start).TotalSeconds;
        return state;
    }

    /// <summary>Writes a checkpoint, and deletes the oldest ones beyond those that are kept. All ranks call it together, after an update; it returns when the checkpoint is on the disk.</summary>
    /// <typeparam name="T">Where the loop stands, see <see cref="Load"/>.</typeparam>
    /// <param name="step">The checkpoint's number, such as the steps or epochs done: at least 0, and not below that of the one before.</param>
    /// <param name="state">Where the loop stands, for <see cref="Load"/>; rank 0's is written. Up to 1 MB as JSON, with the parts'.</param>
    /// <param name="metrics">What an evaluation gave, for <see cref="Best"/>; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="step"/> is below 0, or below the one before.</exception>
    /// <exception cref="BadInputException">The folder has checkpoints of an earlier session, and this one did not <see cref="Load"/>. On all ranks.</exception>
    /// <exception cref="IOException">The checkpoint cannot be written: on rank 0 its own error, and on all others this one with its text. Those before are whole.</exception>
    /// <exception cref="DistributedException">Another rank failed.</exception>
    public void Save<T>(long step, T state, IReadOnlyDictionary<string, double>? metrics = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfLessThan(step, _lastStep);
        using RandomStates random = RandomStates.Gather(_group);
        using IDisposable gathered = _content.Gather();
        FirstRank.Run(_group, FormattableString.Invariant($"write the checkpoint of step {step}"), () =>
        {
            RequireOwnFolder();
            var written = new CheckpointState
            {
                Step = step,
                ElapsedTime = ElapsedSeconds,
                Metrics = metrics,
                Task = new JsonObject { [OwnEntry] = CheckpointJson.ToNode(state), [PartsEntry] = _content.SaveStates() },
            };
            _ = Checkpoint.Write(_folder, _content, random.Tensors, written, _keep, Best);
            return step;
        });
        _lastStep = step;
    }

    private LoopCheckpoints Add(string name, ContentPart part)
    {
        _content.Add(name, part);
        return this;
    }

    // What is newer than the one that is taken is damaged: it must not count among the newest any more.
    private long FindNewest()
    {
        var store = new CheckpointStore(_folder);
        store.Recover();
        var warnings = new List<string>();
        if (Checkpoint.Whole(_folder, warnings).FirstOrDefault() is not { } newest)
        {
            return warnings.Count == 0 ? None : throw new BadInputException("the run has no checkpoint that is whole", string.Join(" ", warnings).TrimEnd('.'), $"Delete {_folder} to start from the beginning.");
        }

        warnings.ForEach(Warn);
        store.SetAsideAfter(newest.State.Step);
        return newest.State.Step;
    }

    // The oldest are deleted by their numbers, so that those of another session would push this one's out.
    private void RequireOwnFolder()
    {
        if (!_hasLoaded && _lastStep == None && new CheckpointStore(_folder).All().Count > 0)
        {
            throw new BadInputException("the folder has checkpoints of an earlier session", _folder, "Call Load before the first Save to go on with them, or give another folder.");
        }
    }
}
