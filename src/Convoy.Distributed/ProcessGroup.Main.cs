namespace Convoy.Distributed;

/// <content>Who this process is, and what one rank does for all.</content>
public abstract partial class ProcessGroup
{
    private int? _localRank;
    private int? _localSize;

    /// <summary>Whether this is rank 0, which prints, downloads and writes what there is one of (Fabric's <c>is_global_zero</c>, Accelerate's <c>is_main_process</c>).</summary>
    public bool IsMain => Rank == 0;

    /// <summary>
    /// This process's number on its machine, LOCAL_RANK, whichever of its groups is asked: what chooses a device. <see cref="Rank"/> in a group that
    /// <see cref="ProcessGroups"/> did not make.
    /// </summary>
    public int LocalRank
    {
        get => _localRank ?? Rank;
        internal set => _localRank = value;
    }

    /// <summary>How many processes of the job this machine runs, LOCAL_WORLD_SIZE. <see cref="Size"/> in a group that <see cref="ProcessGroups"/> did not make.</summary>
    public int LocalSize
    {
        get => _localSize ?? Size;
        internal set => _localSize = value;
    }

    /// <summary>Writes a line to this process's standard output on rank 0, and nothing on other ranks (Fabric's and Accelerate's <c>print</c>). Ranks need not call it together.</summary>
    /// <param name="text">The line, without its end.</param>
    public void Print(string? text) => Print(text, Terminal.Output);

    /// <summary>Writes a line to <paramref name="writer"/> on rank 0, and nothing on other ranks.</summary>
    /// <param name="text">The line, without its end.</param>
    /// <param name="writer">Where it goes; flushed.</param>
    public void Print(string? text, TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (IsMain)
        {
            writer.WriteLine(text);
            writer.Flush();
        }
    }

    /// <summary>
    /// Does something on rank 0 first, and then on the other ranks at the same time (Accelerate's <c>main_process_first</c>): rank 0 downloads or prepares what the others
    /// find. All ranks call it together. Rank 0 waits until the others have come, and not for what they do.
    /// </summary>
    /// <remarks>For one machine of several (Accelerate's <c>local_main_process_first</c>) call it on a group of that machine's ranks (<see cref="NewGroup"/>).</remarks>
    /// <param name="action">What to do. On rank 0 it takes less than <see cref="Timeout"/>, for which the others wait.</param>
    /// <exception cref="DistributedException">On another rank: rank 0 failed, did not come, or <paramref name="action"/> threw there, whose message this one repeats.</exception>
    public void MainFirst(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        MainFirst(() =>
        {
            action();
            return true;
        });
    }

    /// <summary>Like <see cref="MainFirst(Action)"/>, for what gives something.</summary>
    /// <typeparam name="T">What it gives.</typeparam>
    /// <param name="function">What to do, on each rank for itself.</param>
    /// <returns>What it gave on this rank.</returns>
    /// <exception cref="DistributedException">On another rank: rank 0 failed, did not come, or <paramref name="function"/> threw there, whose message this one repeats.</exception>
    public T MainFirst<T>(Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        if (!IsMain)
        {
            ObjectExchange.ReceiveOutcome(this, root: 0, nameof(MainFirst));
            return function();
        }

        T result;
        try
        {
            result = function();
        }
        catch (Exception error)
        {
            // The others wait for this rank's word, and go on with their own work when they have it.
            TellOthers(error);
            throw;
        }

        ObjectExchange.SendOutcome(this, error: null);
        return result;
    }

    // Whether or not they hear of it, the error that counts is this one: that of a group which is broken comes out of its next operation.
    private void TellOthers(Exception error)
    {
        try
        {
            ObjectExchange.SendOutcome(this, error.Message);
        }
        catch (Exception broken)
        {
            Break(broken);
        }
    }

    /// <summary>
    /// Seeds torch's random generators alike on all ranks, and gives what separates them when the model is made (Lightning's <c>seed_everything</c>, Accelerate's
    /// <c>set_seed</c>). The rule for ranks is that of <see cref="RandomSources"/>.
    /// </summary>
    /// <param name="seed">The seed, the same on all ranks.</param>
    public RandomSources Seed(long seed) => new(Rank, seed);
}
