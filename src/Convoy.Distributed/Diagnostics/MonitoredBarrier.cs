using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Diagnostics;

/// <summary>A barrier over a store, in which rank 0 finds out which ranks do not come and tells all that do.</summary>
/// <param name="store">A store, or a part of one, that nothing else uses.</param>
/// <param name="rank">This process's number.</param>
/// <param name="size">How many ranks there are.</param>
/// <param name="name">What to call the group in messages.</param>
/// <param name="ended">The process id of a rank whose process has ended, otherwise null.</param>
/// <param name="left">The error that a rank has left the group, otherwise null.</param>
internal sealed class MonitoredBarrier(Store store, int rank, int size, string name, Func<int, int?> ended, Func<int, DistributedException?> left)
{
    // How often to look whether a missing rank's process still runs.
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(500);

    // How much later than rank 0's own timeout its verdict may come.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private long _number;

    private string Result => string.Create(CultureInfo.InvariantCulture, $"{_number}/result");

    /// <summary>Returns when all ranks have called it; throws on all that did when some have not within rank 0's <paramref name="timeout"/>.</summary>
    public void Wait(TimeSpan timeout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);

        // Counted in the store, as one group may be asked from several places: its ranks come to the same number together.
        _number = store.Add($"calls/{rank.ToString(CultureInfo.InvariantCulture)}", 1);
        store.Set(Arrival(rank), string.Empty);
        if (rank == 0)
        {
            Collect(timeout);
        }
        else
        {
            AwaitVerdict(timeout);
        }
    }

    private string Arrival(int other) => string.Create(CultureInfo.InvariantCulture, $"{_number}/{other}");

    private string Reading(int other) => string.Create(CultureInfo.InvariantCulture, $"{_number}/{other}/read");

    private void Collect(TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        int[] missing = [.. Enumerable.Range(1, size - 1)];
        int?[] lost = new int?[size];
        while (missing.Length > 0 && missing.Any(other => lost[other] is null) && Stopwatch.GetElapsedTime(start) < timeout)
        {
            missing = StillMissing(missing, Shorter(Slice, timeout - Stopwatch.GetElapsedTime(start)));
            foreach (int other in missing)
            {
                lost[other] = ended(other);
            }
        }

        if (missing.Length == 0)
        {
            store.Set(Result, string.Empty);
            if (HaveRead([.. Enumerable.Range(1, size - 1)]))
            {
                Forget();
            }

            return;
        }

        string dead = string.Concat(missing.Where(other => lost[other] is not null).Select(other => FormattableString.Invariant($"; the process of rank {other} (process {lost[other]}) has ended")));
        FormattableString found = $"MonitoredBarrier {_number} of group {name}: {RankList.Describe(missing)} did not arrive within {timeout.TotalSeconds:0.###} s{dead}. Check what they are doing instead (every rank must call it), and their output.";
        store.Set(Result, $"{string.Join(',', missing.Select(other => other.ToString(CultureInfo.InvariantCulture)))}\n{FormattableString.Invariant(found)}");
        HaveRead([.. Enumerable.Range(1, size - 1).Except(missing)]);
        throw CollectiveTimeoutException.WithMessage(found, missing, timeout);
    }

    // Waits for them to read: the store may be this rank's own, and end with its group as soon as the barrier is over.
    private bool HaveRead(int[] readers)
    {
        if (readers.Length == 0)
        {
            return true;
        }

        try
        {
            store.Wait([.. readers.Select(Reading)], Margin);
            return true;
        }
        catch (StoreTimeoutException)
        {
            // A rank ended, or was stopped, after it came: that is not this barrier's to find.
            return false;
        }
    }

    // A store holds so many keys at most. Whoever has not read yet still needs them.
    private void Forget()
    {
        foreach (int other in Enumerable.Range(0, size))
        {
            store.Delete(Arrival(other));
            store.Delete(Reading(other));
        }

        store.Delete(Result);
    }

    private int[] StillMissing(int[] missing, TimeSpan patience)
    {
        try
        {
            store.Wait([.. missing.Select(Arrival)], patience);
            return [];
        }
        catch (StoreTimeoutException error)
        {
            return [.. missing.Where(other => error.MissingKeys.Any(key => key == Arrival(other) || key.EndsWith("/" + Arrival(other), StringComparison.Ordinal)))];
        }
    }

    private void AwaitVerdict(TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan limit = timeout;
        string? verdict;
        while ((verdict = Find(Result, Shorter(Slice, limit - Stopwatch.GetElapsedTime(start)))) is null)
        {
            if (ended(0) is { } processId)
            {
                throw left(0) ?? new PeerLostException("MonitoredBarrier", 0, processId, leftGroup: false);
            }

            if (Stopwatch.GetElapsedTime(start) < limit)
            {
                continue;
            }

            // Rank 0 may have come later: then its own timeout is still running.
            if (limit > timeout || Find(Arrival(0), TimeSpan.Zero) is null)
            {
                throw CollectiveTimeoutException.WithMessage(
                    $"MonitoredBarrier {_number} of group {name}: rank 0 did not arrive within {timeout.TotalSeconds:0.###} s, and only it knows who else is missing. Check what it is doing instead (every rank must call it), and its output.", [0], timeout);
            }

            limit = timeout + timeout + Margin;
        }

        store.Set(Reading(rank), string.Empty);
        if (verdict.Split('\n', 2) is [var ranks, var found])
        {
            throw CollectiveTimeoutException.WithMessage(
                $"rank 0 found: {found}", [.. ranks.Split(',').Select(other => int.Parse(other, CultureInfo.InvariantCulture))], timeout);
        }
    }

    private string? Find(string key, TimeSpan patience)
    {
        try
        {
            return store.GetText(key, patience);
        }
        catch (StoreTimeoutException)
        {
            return null;
        }
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other > TimeSpan.Zero ? other : TimeSpan.Zero;
}
