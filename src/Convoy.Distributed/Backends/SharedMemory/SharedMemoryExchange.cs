using Convoy.Distributed.Errors;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// What every collective operation is made of: rounds in which ranks write areas, meet, and read areas. The areas of even and
/// odd rounds differ, so a rank may write those of the next round while others still read the present ones; they have read them
/// when all meet again. The first meeting of an operation makes sure that all ranks call the same.
/// </summary>
internal sealed unsafe class SharedMemoryExchange(ControlBlock control, IBarrier barrier, int rank, int size, Action allArrived)
{
    private CollectiveCall _call;
    private string _operation = "";
    private bool _first;
    private bool _evenCall;
    private bool _evenRound;

    public int Rank => rank;

    public int Size => size;

    /// <summary>A rank's area of the present round, or of the next one.</summary>
    public byte* Area(int rank, bool next = false) => control.Area(rank, _evenRound ^ next);

    /// <summary>Begins an operation. This rank's areas of the first round may be written from now on.</summary>
    public void Begin(in CollectiveCall call)
    {
        _call = call;
        _operation = NameOf(call.Kind);
        _first = true;
        _evenCall = !_evenCall;
        *Call(rank) = call;
    }

    /// <summary>Waits for all ranks.</summary>
    /// <exception cref="CollectiveMismatchException">A rank called something else.</exception>
    public void Meet()
    {
        barrier.Wait(_operation);
        if (_first)
        {
            _first = false;
            allArrived();
            RequireSameCalls();
        }
    }

    /// <summary>Ends a round: this rank has read all that it needs of it.</summary>
    public void NextRound() => _evenRound = !_evenRound;

    // An enumeration's own ToString allocates.
    private static string NameOf(OperationKind kind) => kind switch
    {
        OperationKind.Barrier => nameof(OperationKind.Barrier),
        OperationKind.AllReduce => nameof(OperationKind.AllReduce),
        OperationKind.Broadcast => nameof(OperationKind.Broadcast),
        _ => kind.ToString(),
    };

    private void RequireSameCalls()
    {
        for (int other = 0; other < size; other++)
        {
            if (*Call(other) != _call)
            {
                throw new CollectiveMismatchException(FormattableString.Invariant(
                    $"rank {rank} called {_call} while rank {other} called {*Call(other)}. Every rank must call the same operations in the same order, with tensors of the same size and type."));
            }
        }
    }

    private CollectiveCall* Call(int rank) => _evenCall ? &control.Slot(rank)->EvenCall : &control.Slot(rank)->OddCall;
}
