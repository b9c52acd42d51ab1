using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory.Platform;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Gets all ranks to map the same memory: rank 0 creates it and tells its name through the store.</summary>
internal static class SharedMemoryRendezvous
{
    private const string NameKey = "shm/name";

    // Begins, in place of a file's name, what rank 0 says when it has none.
    private const char FailureMark = '!';

    // Rank 0 may serve the store, so it does not go before the others have read why.
    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);

    /// <summary>Gives the mapped memory when all ranks have mapped it; it has lost its name then. It holds zeros and what <paramref name="prepare"/> of each rank has written.</summary>
    public static SharedMemorySegment Join(
        IPlatform platform, Store store, int rank, int size, long bytes, TimeSpan timeout, Action<SharedMemorySegment> prepare)
    {
        if (rank != 0)
        {
            string path = NameFromRankZero(store, rank, timeout);
            SharedMemorySegment opened = Attempt(
                () => SharedMemorySegment.Open(platform, path, bytes),
                failure =>
                {
                    // Rank 0 may have given up in between: that says more than a file that is not there.
                    NameFromRankZero(store, rank, timeout);
                    store.Set(MappedKey(rank), failure);
                });
            try
            {
                prepare(opened);
                AwaitAll(store, rank, size, timeout);
                return opened;
            }
            catch
            {
                opened.Dispose();
                throw;
            }
            finally
            {
                // Rank 0 does it, too, unless it was killed before: the file must not stay behind.
                opened.Unlink();
            }
        }

        SharedMemorySegment created = Attempt(() => SharedMemorySegment.Create(platform, bytes), failure => TellAll(store, size, failure, timeout));
        try
        {
            prepare(created);
            store.Set(NameKey, created.Path);
            AwaitAll(store, rank, size, timeout);
            return created;
        }
        catch (StoreTimeoutException error)
        {
            // A rank that comes later finds no memory: it learns why, and those that still wait learn it from it.
            created.Dispose();
            store.Set(NameKey, FailureMark + error.Message);
            throw;
        }
        catch
        {
            created.Dispose();
            throw;
        }
        finally
        {
            created.Unlink();
        }
    }

    // Who fails says why, as the others would only see that it does not come.
    private static SharedMemorySegment Attempt(Func<SharedMemorySegment> get, Action<string> tell)
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

    private static void TellAll(Store store, int size, string failure, TimeSpan timeout)
    {
        store.Set(NameKey, FailureMark + failure);
        try
        {
            store.Wait([.. Enumerable.Range(1, size - 1).Select(MappedKey)], timeout < LongestFarewell ? timeout : LongestFarewell);
        }
        catch (StoreTimeoutException)
        {
            // A rank that has not even come learns it from the store, if that is still there. What counts is the failure.
        }
    }

    private static string NameFromRankZero(Store store, int rank, TimeSpan timeout)
    {
        string name;
        try
        {
            name = store.GetText(NameKey, timeout);
        }
        catch (StoreTimeoutException error)
        {
            throw Missing([0], error);
        }

        if (name[0] != FailureMark)
        {
            return name;
        }

        string failure = $"rank 0: {name[1..]}";
        store.Set(MappedKey(rank), failure);
        throw new SharedMemoryException(failure);
    }

    private static void AwaitAll(Store store, int rank, int size, TimeSpan timeout)
    {
        store.Set(MappedKey(rank), "");
        try
        {
            store.Wait([.. Enumerable.Range(0, size).Select(MappedKey)], timeout);
        }
        catch (StoreTimeoutException error)
        {
            throw Missing([.. Enumerable.Range(0, size).Where(r => error.MissingKeys.Any(key => key.EndsWith(MappedKey(r), StringComparison.Ordinal)))], error);
        }

        for (int other = 0; other < size; other++)
        {
            string failure = store.GetText(MappedKey(other), timeout);
            if (failure.Length > 0)
            {
                throw new SharedMemoryException(FormattableString.Invariant($"rank {other}: {failure}"));
            }
        }
    }

    private static StoreTimeoutException Missing(int[] ranks, StoreTimeoutException error) =>
        new(error.MissingKeys, error.Timeout, FormattableString.Invariant(
            $"{RankList.Describe(ranks)} did not join the process group within {error.Timeout.TotalSeconds:0.###} s. See whether every process was started, and the output of those that are missing."));

    private static string MappedKey(int rank) => string.Create(CultureInfo.InvariantCulture, $"shm/mapped/{rank}");
}
