using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Training.Options;
using static TorchSharp.torch;

namespace Convoy.Training.Tasks;

/// <summary>What a member of a task is told of the process that calls it.</summary>
/// <param name="options">The run's settings.</param>
/// <param name="group">The ranks.</param>
/// <param name="folder">The run directory.</param>
public sealed class TrainingContext(TrainingOptions options, ProcessGroup group, string folder)
{
    /// <summary>The run's settings, the same on every rank.</summary>
    public TrainingOptions Options => options;

    /// <summary>The ranks of the run; not the task's to dispose.</summary>
    public ProcessGroup Group => group;

    /// <summary>Where model and batches belong. Default: the CPU.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>The run directory's absolute path. Rank 0 may write into it what the task leaves behind.</summary>
    public string Folder => folder;

    /// <summary>Samples of one step on this rank: where the ranks do not divide the batch the first ones have one more (<see cref="BatchShare"/>).</summary>
    public int LocalBatchSize => new BatchShare(options.BatchSize, group).Count;

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Asks for an end of what takes long, such as the building of a cache.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Told in a line what is strange but no error. Default: nobody.</summary>
    public Action<string> Warn { get; init; } = _ => { };

    /// <summary>This rank's share of <paramref name="count"/> samples, for evaluation: every sample is on exactly one rank.</summary>
    public IEnumerable<int> Share(int count)
    {
        for (int index = group.Rank; index < count; index += group.Size)
        {
            yield return index;
        }
    }
}

/// <summary>What is told to a task that makes its data ready.</summary>
/// <param name="Folder">The folder of the run or study, which exists. What is put there is shared by all its processes and runs.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Progress">Told how many of how many parts are done.</param>
/// <param name="Stop">Asks for an early end.</param>
public sealed record DataPreparation(string Folder, long Seed, IProgress<(int Done, int Total)> Progress, CancellationToken Stop);
