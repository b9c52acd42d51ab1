using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Has ranks of a group map new memory together: one creates it and tells where it is through the memory that all have already.</summary>
/// <param name="exchange">The memory that all have.</param>
/// <param name="platform">What makes memory.</param>
/// <param name="names">What the ranks are called in errors.</param>
/// <param name="named">Whether the memory needs a name, because not every rank can open what another one has open.</param>
internal sealed unsafe class SegmentAgreement(SharedMemoryExchange exchange, IPlatform platform, RankNames names, bool named)
{
    /// <summary>
    /// Ends the operation that <see cref="SharedMemoryExchange.Begin"/> began. All ranks of the group call it; where it fails, it
    /// fails on all of them.
    /// </summary>
    /// <param name="members">The ranks that map the memory; the first one creates it. All ranks must name the same.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="prepare">What a member writes into the memory before the others may use it; may be null.</param>
    /// <returns>The memory, which has lost its name; null on a rank that is no member.</returns>
    /// <exception cref="SharedMemoryException">A member could not create or map it.</exception>
    /// <exception cref="CollectiveMismatchException">A rank named other members.</exception>
    public SharedMemorySegment? Share(IReadOnlyList<int> members, long bytes, Action<SharedMemorySegment>? prepare = null)
    {
        RequireSameMembers(members);
        SharedMemorySegment? segment = null;
        string failure = "";
        try
        {
            if (exchange.Rank == members[0])
            {
                (segment, failure) = Try(() => (named ? null : SharedMemorySegment.CreateUnnamed(platform, bytes)) ?? SharedMemorySegment.Create(platform, bytes));
                WriteText(segment?.Address ?? "");
            }

            exchange.Meet();
            string address = ReadText(members[0]);
            if (exchange.Rank != members[0] && address.Length > 0 && members.Contains(exchange.Rank))
            {
                (segment, failure) = Try(() => SharedMemorySegment.Open(platform, address, bytes));
            }

            if (segment is not null)
            {
                prepare?.Invoke(segment);
            }

            exchange.NextRound();
            WriteText(failure);
            exchange.Meet();
            RequireSuccess(members);
            exchange.NextRound();
            return segment;
        }
        catch
        {
            segment?.Dispose();
            throw;
        }
        finally
        {
            // On every rank, as the first member may have been killed.
            segment?.Unlink();
        }
    }

    private static (SharedMemorySegment? Segment, string Failure) Try(Func<SharedMemorySegment> get)
    {
        try
        {
            return (get(), "");
        }
        catch (SharedMemoryException error)
        {
            return (null, error.Message);
        }
    }

    private void RequireSameMembers(IReadOnlyList<int> members)
    {
        WriteText(string.Join(", ", members.Select(rank => FormattableString.Invariant($"{names[rank]}"))));
        exchange.Meet();
        string own = ReadText(exchange.Rank);
        for (int rank = 0; rank < exchange.Size; rank++)
        {
            string other = ReadText(rank);
            if (other != own)
            {
                throw CollectiveMismatchException.OfNewGroup(names[exchange.Rank], own, names[rank], other);
            }
        }

        exchange.NextRound();
    }

    private void RequireSuccess(IReadOnlyList<int> members)
    {
        foreach (int rank in members)
        {
            string failure = ReadText(rank);
            if (failure.Length > 0)
            {
                throw new SharedMemoryException(FormattableString.Invariant($"rank {names[rank]}: {failure}"));
            }
        }
    }

    private void WriteText(string text)
    {
        byte* area = exchange.Area(exchange.Rank);
        *(int*)area = Encoding.UTF8.GetBytes(text, new Span<byte>(area + sizeof(int), ControlBlock.AreaBytes - sizeof(int)));
    }

    private string ReadText(int rank)
    {
        byte* area = exchange.Area(rank);
        return Encoding.UTF8.GetString(area + sizeof(int), *(int*)area);
    }
}
