using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Metrics;

namespace Convoy.Training.Options;

/// <summary>
/// What every training run has to know, whatever its task. The defaults are the study's: AdamW, learning rate 0.0005 scaled with the processes, weight decay
/// 0.0001, accumulation 2, clipping 0.5, global batch 8. Each property is an option of the command line and a name in <c>config.json</c>, see <see cref="OptionAttribute"/>.
/// </summary>
public sealed record TrainingOptions
{
    // Far beyond any run, and far enough below the largest number that nothing computed of it overflows.
    private const double MostSteps = 1L << 50;
    private const string NoCheckpoints = "none", CheckpointsOfBlocks = "auto";

    /// <summary>How many processes train; at least 1. Each computes its share of the <see cref="BatchSize"/> samples of a step. 0, the default, stands for a number that <see cref="Resolve"/> chooses.</summary>
    [Option("Processes.", Minimum = 1, IsAutomatic = true, Otherwise = "the most, up to the cores, that divide the batch", Effect = SettingEffect.Speed)]
    public int Nproc { get; init; }

    /// <summary>libtorch's threads in each process; at least 1. 0, the default, stands for a number that <see cref="Resolve"/> chooses.</summary>
    [Option("libtorch's threads in each process, or auto for cores / processes.", Minimum = 1, IsAutomatic = true, Effect = SettingEffect.Speed)]
    public int Threads { get; init; }

    /// <summary>Samples of one step over all processes; at least <see cref="Nproc"/>. Default 8. Where the processes do not divide it the first ones have a sample more, and the gradients are still those of the mean over all.</summary>
    [Option("Samples of one step, over all processes.", Minimum = 1, Effect = SettingEffect.Work)]
    public int BatchSize { get; init; } = 8;

    /// <summary>Passes over the training data; at least 1. Default 20. <see cref="Steps"/> takes its place where given.</summary>
    [Option("Passes over the training data.", Minimum = 1)]
    public int Epochs { get; init; } = 20;

    /// <summary>Steps of the run, at least 1, or null for <see cref="Epochs"/>.</summary>
    [Option("Steps of the run, in place of --epochs.", Minimum = 1, Maximum = MostSteps, Otherwise = "by --epochs")]
    public long? Steps { get; init; }

    /// <summary>Steps after which the learning rate reaches 0; null for the run's own length. Longer than the run when the run is to be continued.</summary>
    [Option("Steps after which the learning rate reaches 0, when the run is to be continued later.", Minimum = 1, Maximum = MostSteps, Otherwise = "the run's steps")]
    public long? ScheduleSteps { get; init; }

    /// <summary>The base learning rate; above 0. Default 0.0005.</summary>
    [Option("Learning rate, before --scale-lr.", Minimum = 0, AboveMinimum = true)]
    public double Lr { get; init; } = 0.0005;

    /// <summary>Whether the base learning rate is multiplied by <see cref="Nproc"/>, as in the study, or by <see cref="LrScale"/>. Default true.</summary>
    [Option("Multiply the learning rate by the number of processes.")]
    public bool ScaleLr { get; init; } = true;

    /// <summary>
    /// What <see cref="ScaleLr"/> multiplies by in place of <see cref="Nproc"/>; at least 1. Null, the default, for <see cref="Nproc"/>. A run that goes on keeps that of its first start (<see cref="Continued"/>): the batch
    /// does not change with the number of processes, and so neither does its learning rate.
    /// </summary>
    [Option("What --scale-lr multiplies the learning rate by.", Minimum = 1, Otherwise = "the processes of the run's first start")]
    public int? LrScale { get; init; }

    /// <summary>Updates over which the learning rate rises to its base; null for a twentieth of the schedule, at most 500.</summary>
    [Option("Updates over which the learning rate rises.", Minimum = 0, Maximum = MostSteps, Otherwise = "a twentieth of the run, at most 500")]
    public long? WarmupUpdates { get; init; }

    /// <summary>AdamW's weight decay; at least 0. Default 0.0001.</summary>
    [Option("AdamW's weight decay.", Minimum = 0)]
    public double WeightDecay { get; init; } = 0.0001;

    /// <summary>Steps whose gradients are averaged into one update; at least 1. Default 2.</summary>
    [Option("Steps whose gradients make one update.", Minimum = 1, Effect = SettingEffect.Work)]
    public int Accumulate { get; init; } = 2;

    /// <summary>The largest norm of all gradients together, 0 for no clipping. Default 0.5.</summary>
    [Option("Largest norm of the gradients; 0 for no clipping.", Minimum = 0)]
    public double Clip { get; init; } = 0.5;

    /// <summary>The type of convolutions and matrix products. Default fp32.</summary>
    [Option("Type of convolutions and matrix products: fp32, bf16 or fp16 (slow on processors).", Effect = SettingEffect.Speed)]
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Which groups of operations run by Convoy's own kernels, and who chooses those of convolutions. Default <see cref="FuseSetting.Auto"/>: all, by measurement.</summary>
    [Option("Operations to run by Convoy's own kernels: auto (all, convolutions by what is fastest on this machine), fixed (all, the same on every processor), none, names from norm, decoder, loss, optimizer and convolution, separated by commas, or a file of kernels such as a run's kernels.json.", Value = "auto|fixed|none|NAMES|FILE", Kind = FuseSetting.Kind, Effect = SettingEffect.Speed)]
    public FuseSetting Fuse { get; init; } = FuseSetting.Auto;

    /// <summary>
    /// Modules whose inner results are computed again in the backward pass (<see cref="Torch.Checkpointing.ActivationCheckpoint"/>): <c>none</c>, the default; <c>auto</c> for the model's blocks; or names, separated by commas.
    /// </summary>
    [Option("Modules to compute again in the backward pass, which takes less memory and more time: none, auto for the blocks in the model's lists, or names separated by commas.", Effect = SettingEffect.Speed)]
    public string CheckpointActivations { get; init; } = NoCheckpoints;

    /// <summary>Whether batch norm takes its statistics over the whole global batch. Default true. Without it each process normalises its own share.</summary>
    [Option("Batch norm over the whole global batch.", Effect = SettingEffect.Speed)]
    public bool SyncBn { get; init; } = true;

    /// <summary>Loader threads of each process; 0 to 256. Default 4.</summary>
    [Option("Loader threads of each process.", Minimum = 0, Maximum = 256, Label = "loader workers", Effect = SettingEffect.Speed)]
    public int Workers { get; init; } = 4;

    /// <summary>Steps between evaluations on held-out data, at the first update at or after each multiple; 0, the default, for only the one at the end.</summary>
    [Option("Steps between evaluations on held-out data; 0 evaluates only at the end.", Minimum = 0)]
    public long EvalEvery { get; init; }

    /// <summary>Steps between checkpoints, 0 for only the last. Default 0. Taken at the first update at or after it.</summary>
    [Option("Steps between checkpoints; 0 writes only the last.", Minimum = 0)]
    public long CheckpointEvery { get; init; }

    /// <summary>How many checkpoints to keep beside the best; 0 writes none, for a run that is only measured. Default 2.</summary>
    [Option("Checkpoints to keep; 0 writes none, for a run that is only measured.", Minimum = 0)]
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>The seed of weights, order and random changes. Default 0.</summary>
    [Option("Seed of weights, order and random changes.")]
    public long Seed { get; init; }

    /// <summary>Whether images and features lie with their channels innermost (PyTorch's <c>channels_last</c>), as Convoy's kernels take them. Default true.</summary>
    [Option("Keep features with their channels innermost, true or false.", TakesBoolean = true, Effect = SettingEffect.Speed)]
    public bool ChannelsLast { get; init; } = true;

    /// <summary>Through what the processes exchange gradients. Default <see cref="Backend.Auto"/>.</summary>
    [Option("Through what the processes exchange gradients: auto (shared memory on one host, otherwise hierarchical), shared-memory, mpi, or hierarchical (shared memory inside a host, MPI between hosts).", Effect = SettingEffect.Speed)]
    public Backend Backend { get; init; } = Backend.Auto;

    /// <summary>Seconds that a process waits for the others before the run fails; above 0, at most a day. Default 600.</summary>
    [Option("Seconds that a process waits for the others before the run fails.", Name = "--timeout", Minimum = 0, AboveMinimum = true, Maximum = 86_400)]
    public double TimeoutSeconds { get; init; } = 600;

    /// <summary>The settings, a row each.</summary>
    public static OptionTable Table { get; } = OptionTable.For(typeof(TrainingOptions));

    /// <summary>Samples of one step in a process that has the most.</summary>
    public int LocalBatchSize => (BatchSize + Nproc - 1) / Nproc;

    /// <summary>The learning rate after <see cref="ScaleLr"/>.</summary>
    public double PeakLr => ScaleLr ? Lr * (LrScale ?? Nproc) : Lr;

    /// <summary>Whether there are <see cref="CheckpointActivations"/>.</summary>
    public bool HasCheckpointedModules => CheckpointActivations != NoCheckpoints;

    /// <summary>The names in <see cref="CheckpointActivations"/>; null where the model's blocks are meant.</summary>
    public IReadOnlyList<string>? CheckpointedModules =>
        CheckpointActivations == CheckpointsOfBlocks ? null : CheckpointActivations.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The options as <c>config.json</c> has them.</summary>
    public JsonObject ToJson() => Table.ToJson(this);

    /// <summary>These options with the values of <paramref name="values"/> in place of their own.</summary>
    /// <param name="values">Values by their names in <c>config.json</c>; names of other tables are passed over.</param>
    /// <param name="source">What to say after a setting's name in errors, such as <c> in FILE</c>.</param>
    /// <exception cref="BadInputException">A value is not of its option's kind.</exception>
    public TrainingOptions With(JsonObject values, string source = "")
    {
        TrainingOptions copy = this with { };
        Table.Apply(copy, values, source);
        return copy;
    }

    /// <summary>These options of a run that goes on, before anything is changed: its learning rate stays what it is, whatever becomes of the number of processes.</summary>
    public TrainingOptions Continued() => this with { LrScale = LrScale ?? (Nproc > 0 ? Nproc : null) };

    /// <summary>Puts numbers in the place of processes and threads that are left to the program.</summary>
    /// <param name="cores">Cores to use; at least 1.</param>
    public TrainingOptions Resolve(int cores)
    {
        int nproc = Nproc;
        if (nproc == 0)
        {
            nproc = Math.Max(1, Math.Min(cores, BatchSize));
            while (BatchSize % nproc != 0)
            {
                nproc--;
            }
        }

        return this with { Nproc = nproc, Threads = Threads == 0 ? Math.Max(1, cores / Math.Max(1, nproc)) : Threads };
    }

    /// <summary>Refuses values outside their ranges and those that do not go together.</summary>
    /// <param name="asOptions">Whether errors call settings as the command line does (<c>--batch-size</c>). Default false: as code does (<c>BatchSize</c>).</param>
    /// <exception cref="BadInputException">The first value that is wrong.</exception>
    public void Validate(bool asOptions = false)
    {
        Table.Validate(this, asOptions);
        if (BatchSize < Nproc)
        {
            string name = asOptions ? "--batch-size" : nameof(BatchSize);
            throw new BadInputException(
                $"{name} has fewer samples than there are processes",
                string.Create(CultureInfo.InvariantCulture, $"batch size {BatchSize}, {Nproc} processes"),
                string.Create(CultureInfo.InvariantCulture, $"Give {name} {Nproc} or more, or at most {BatchSize} processes."));
        }
    }
}
