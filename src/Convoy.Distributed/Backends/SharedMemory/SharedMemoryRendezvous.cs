using System.Globalization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// Gets all ranks to map the same memory: rank 0 creates it and tells through the store where it is. At first it has no name, so that
/// nothing is left of it whatever ends the ranks. If some rank cannot open that, there is a second round, with a name: by then all ranks have come, so
/// that the name lives for milliseconds.
/// </summary>
/// <param name="platform">What makes memory.</param>
/// <param name="store">The job's store.</param>
/// <param name="rank">This process's number.</param>
/// <param name="size">How many processes take part.</param>
/// <param name="timeout">How long to wait for the others.</param>
/// <param name="names">What the ranks are called in errors.</param>
/// <param name="cancellation">Ends the wait.</param>
internal sealed class SharedMemoryRendezvous(IPlatform platform, Store store, int rank, int size, TimeSpan timeout, RankNames names, CancellationToken cancellation)
{
    // Begins, in place of an address, what rank 0 says when it has none.
    private const char FailureMark = '!';

    // In place of an address: there is no memory without a name. In place of a failure: this rank cannot open it.
    private const string OutOfReach = "?";

    // Rank 0 may serve the store, so it does not go before the others have read why.
    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);

    /// <summary>Gives the mapped memory when all ranks have mapped it; it has no name then. It holds zeros and what <paramref name="prepare"/> of each rank has written.</summary>
    /// <exception cref="StoreTimeoutException">Some ranks did not come.</exception>
    /// <exception cref="SharedMemoryException">A rank could not create or map it.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public SharedMemorySegment Join(long bytes, Action<SharedMemorySegment> prepare) => Round(bytes, prepare, named: false) ?? Round(bytes, prepare, named: true)!;

    // Null: a rank cannot open memory that has no name.
    private SharedMemorySegment? Round(long bytes, Action<SharedMemorySegment> prepare, bool named)
    {
        SharedMemorySegment? segment = rank == 0 ? Create(bytes, named) : Open(bytes, named);
        bool shared = false;
        try
        {
            if (segment is not null)
            {
                prepare(segment);
            }

            if (rank == 0)
            {
                store.Set(AddressKey(named), segment?.Address ?? OutOfReach);
            }

            shared = AwaitAll(named, segment is null ? OutOfReach : "");
            return shared ? segment : null;
        }
        catch (StoreTimeoutException error) when (rank == 0)
        {
            // A rank that comes later finds no memory: it learns why, and those that still wait learn it from it.
            store.Set(AddressKey(named), FailureMark + error.Message);
            throw;
        }
        finally
        {
            // Each rank does it: the others may have been killed before.
            segment?.Unlink();
            if (!shared)
            {
                segment?.Dispose();
            }
        }
    }

    private SharedMemorySegment? Create(long bytes, bool named) => Attempt(
        () => named ? SharedMemorySegment.Create(platform, bytes) : SharedMemorySegment.CreateUnnamed(platform, bytes),
        failure => TellAll(named, failure));

    private SharedMemorySegment? Open(long bytes, bool named)
    {
        string address = AddressFromRankZero(named);
        if (named)
        {
            return Attempt(
                () => SharedMemorySegment.Open(platform, address, bytes),
                failure =>
                {
                    // Rank 0 may have given up in between: that says more than a file that is not there.
                    AddressFromRankZero(named);
                    store.Set(MappedKey(named, rank), failure);
                });
        }

        if (!UnnamedAddress.TryParse(address, out UnnamedAddress? unnamed) || !unnamed.Value.IsNear(platform))
        {
            return null;
        }

        try
        {
            return SharedMemorySegment.Open(platform, address, bytes);
        }
        catch (SharedMemoryException error)
        {
            AddressFromRankZero(named);
            if (unnamed.Value.Owner.HasEnded(platform))
            {
                // Those that could map it wait for this rank.
                string failure = FormattableString.Invariant(
                    $"the process of rank {names[0]} ({unnamed.Value.Owner.ProcessId}) ended while the group was forming. Check its output; if there is none, it may have been killed because memory ran out.");
                store.Set(MappedKey(named, rank), failure);
                throw new SharedMemoryException(failure, error);
            }

            // The system does not let this process look at rank 0's files.
            return null;
        }
    }

    // A rank that fails says why, as the others would only see that it does not arrive.
    private static SharedMemorySegment? Attempt(Func<SharedMemorySegment?> get, Action<string> tell)
    {
        try
        {
            return get();
        }
        catch (SharedMemoryException error)
        {
            tell(error.Message);
            throw;
        }
    }

    private void TellAll(bool named, string failure)
    {
        store.Set(AddressKey(named), FailureMark + failure);
        try
        {
            store.Wait([.. Enumerable.Range(1, size - 1).Select(other => MappedKey(named, other))], timeout < LongestFarewell ? timeout : LongestFarewell, cancellation);
        }
        catch (StoreTimeoutException)
        {
            // A rank that has not even come learns it from the store, if that is still there. What counts is the failure.
        }
    }

    private string AddressFromRankZero(bool named)
    {
        string address;
        try
        {
            address = store.GetText(AddressKey(named), timeout, cancellation);
        }
        catch (StoreTimeoutException error)
        {
            throw RankPresence.NotJoined(store, [0], error, names);
        }

        if (address.Length > 0 && address[0] != FailureMark)
        {
            return address;
        }

        string failure = FormattableString.Invariant($"rank {names[0]}: {address.TrimStart(FailureMark)}");
        store.Set(MappedKey(named, rank), failure);
        throw new SharedMemoryException(failure);
    }

    // Whether all ranks have mapped the memory.
    private bool AwaitAll(bool named, string own)
    {
        store.Set(MappedKey(named, rank), own);
        try
        {
            store.Wait([.. Enumerable.Range(0, size).Select(other => MappedKey(named, other))], timeout, cancellation);
        }
        catch (StoreTimeoutException error)
        {
            throw RankPresence.NotJoined(store, [.. Enumerable.Range(0, size).Where(r => error.MissingKeys.Any(key => key.EndsWith(MappedKey(named, r), StringComparison.Ordinal)))], error, names);
        }

        bool all = true;
        for (int other = 0; other < size; other++)
        {
            string failure = store.GetText(MappedKey(named, other), timeout, cancellation);
            if (failure.Length > 0 && (named || failure != OutOfReach))
            {
                throw new SharedMemoryException(FormattableString.Invariant($"rank {names[other]}: {failure}"));
            }

            all &= failure.Length == 0;
        }

        return all;
    }

    private static string AddressKey(bool named) => named ? "shm/name" : "shm/address";

    private static string MappedKey(bool named, int rank) => string.Create(CultureInfo.InvariantCulture, $"shm/{(named ? "mapped" : "reached")}/{rank}");
}
