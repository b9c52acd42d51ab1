using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory.Platform;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Gets all ranks to map the same memory: rank 0 creates it and tells its name through the store.</summary>
internal static class SharedMemoryRendezvous
{
    private const string NameKey = "shm/name";

    /// <summary>Gives the mapped memory when all ranks have mapped it; it has lost its name then. It holds zeros and what <paramref name="prepare"/> of each rank has written.</summary>
    public static SharedMemorySegment Join(
        IPlatform platform, Store store, int rank, int size, long bytes, TimeSpan timeout, Action<SharedMemorySegment> prepare)
    {
        if (rank != 0)
        {
            SharedMemorySegment opened = SharedMemorySegment.Open(platform, NameFromRankZero(store, timeout), bytes);
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

        SharedMemorySegment created = SharedMemorySegment.Create(platform, bytes);
        try
        {
            prepare(created);
            store.Set(NameKey, created.Path);
            AwaitAll(store, rank, size, timeout);
            return created;
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

    private static string NameFromRankZero(Store store, TimeSpan timeout)
    {
        try
        {
            return store.GetText(NameKey, timeout);
        }
        catch (StoreTimeoutException error)
        {
            throw Missing([0], error);
        }
    }

    private static void AwaitAll(Store store, int rank, int size, TimeSpan timeout)
    {
        store.Set(MappedKey(rank), "1");
        try
        {
            store.Wait([.. Enumerable.Range(0, size).Select(MappedKey)], timeout);
        }
        catch (StoreTimeoutException error)
        {
            throw Missing([.. Enumerable.Range(0, size).Where(r => error.MissingKeys.Any(key => key.EndsWith(MappedKey(r), StringComparison.Ordinal)))], error);
        }
    }

    private static StoreTimeoutException Missing(int[] ranks, StoreTimeoutException error) =>
        new(error.MissingKeys, error.Timeout, FormattableString.Invariant(
            $"{RankList.Describe(ranks)} did not join the process group within {error.Timeout.TotalSeconds:0.###} s. See whether every process was started, and the output of those that are missing."));

    private static string MappedKey(int rank) => string.Create(CultureInfo.InvariantCulture, $"shm/mapped/{rank}");
}
