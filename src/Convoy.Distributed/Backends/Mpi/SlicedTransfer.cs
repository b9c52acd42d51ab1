using System.Runtime.InteropServices;
using Convoy.Distributed.Backends.Reductions;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// Large data that ranks combine or spread: it is cut into a slice for each rank. Each rank gets its slice from those that contribute, combines the contributions in the order of
/// the ranks, and sends the result to those that want it. Every rank sends and receives about twice the data in all, however many ranks there are, and the result is the same bit
/// by bit as in shared memory. Slices travel in pieces, some at the same time: while one is combined, the next is on its way.
/// </summary>
internal sealed unsafe class SlicedTransfer : IDisposable
{
    // Over a slow cable a message waits for the other side's word behind what is on its way already: many small ones keep the cable busy, a few large ones do not.
    private const int MostPiecesAtOnce = 16;
    private const int FewestPiecesAtOnce = 3;
    private const long LargestPiece = 256 << 10;
    private const long SmallestPiece = 64 << 10;
    private const long MostStagingBytes = 16 << 20;

    private readonly MpiExchange _exchange;
    private readonly RequestSet[] _gathering;
    private readonly RequestSet[] _spreading;
    private readonly long _pieceBytes;
    private readonly int _piecesAtOnce;
    private byte* _staging;

    public SlicedTransfer(MpiExchange exchange)
    {
        _exchange = exchange;
        int size = exchange.Size;
        _pieceBytes = Math.Clamp(MostStagingBytes / MostPiecesAtOnce / size / Parts.LineBytes * Parts.LineBytes, SmallestPiece, LargestPiece);
        _piecesAtOnce = (int)Math.Clamp(MostStagingBytes / size / _pieceBytes, FewestPiecesAtOnce, MostPiecesAtOnce);
        _gathering = [.. Enumerable.Range(0, _piecesAtOnce).Select(_ => new RequestSet(exchange.Communicator, 2 * size))];
        _spreading = [.. Enumerable.Range(0, _piecesAtOnce).Select(_ => new RequestSet(exchange.Communicator, 2 * size))];
    }

    /// <summary>Does it; returns when this rank has sent and received what it is to.</summary>
    /// <param name="call">What travels.</param>
    public void Run(SliceCall call)
    {
        if (_staging == null && call.Op is not null)
        {
            _staging = (byte*)NativeMemory.AlignedAlloc((nuint)(_piecesAtOnce * _exchange.Size * _pieceBytes), 4096);
        }

        long pieces = 0;
        for (int rank = 0; rank < _exchange.Size; rank++)
        {
            pieces = Math.Max(pieces, (call.SliceBytes(rank) + _pieceBytes - 1) / _pieceBytes);
        }

        var patience = new PeerPatience(_exchange.Peers, _exchange.OperationName);
        long begun = 0, combined = 0, done = 0;
        while (done < pieces)
        {
            bool moved = false;
            while (begun < pieces && begun - done < _piecesAtOnce)
            {
                Gather(call, begun++);
                moved = true;
            }

            RequestSet awaited = _spreading[done % _piecesAtOnce];
            if (combined < begun)
            {
                if (_gathering[combined % _piecesAtOnce].TestAll())
                {
                    Combine(call, combined);
                    Spread(call, combined++);
                    moved = true;
                }
                else
                {
                    awaited = _gathering[combined % _piecesAtOnce];
                }
            }

            if (done < combined && _spreading[done % _piecesAtOnce].TestAll())
            {
                done++;
                moved = true;
            }

            if (moved)
            {
                patience.Moved();
            }
            else
            {
                patience.Pause(awaited);
            }
        }
    }

    /// <summary>After a failure: withdraws what is under way.</summary>
    /// <returns>Whether nothing is any more.</returns>
    public bool Abandon()
    {
        bool isOver = true;
        foreach (RequestSet requests in _gathering.Concat(_spreading))
        {
            isOver &= requests.Abandon();
        }

        return isOver;
    }

    public void Dispose()
    {
        foreach (RequestSet requests in _gathering.Concat(_spreading))
        {
            requests.Dispose();
        }

        NativeMemory.AlignedFree(_staging);
        _staging = null;
    }

    private byte* Staging(long piece, int rank) => _staging + ((((piece % _piecesAtOnce) * _exchange.Size) + rank) * _pieceBytes);

    private long PieceBytes(SliceCall call, int owner, long piece) => Math.Clamp(call.SliceBytes(owner) - (piece * _pieceBytes), 0, _pieceBytes);

    // Contributions go to the slices' owners.
    private void Gather(SliceCall call, long piece)
    {
        RequestSet requests = _gathering[piece % _piecesAtOnce];
        int rank = _exchange.Rank, size = _exchange.Size;
        long own = PieceBytes(call, rank, piece);
        for (int other = 0; own > 0 && other < size; other++)
        {
            if (other != rank && call.Contributes(other))
            {
                requests.Receive(call.Op is null ? call.Result + (piece * _pieceBytes) : Staging(piece, other), own, other, MpiExchange.DataTag);
            }
        }

        for (int i = 1; call.Contributes(rank) && i < size; i++)
        {
            int owner = (rank + i) % size;
            long bytes = PieceBytes(call, owner, piece);
            if (bytes > 0)
            {
                requests.Send(call.Contribution(owner) + (piece * _pieceBytes), bytes, owner, MpiExchange.DataTag);
            }
        }
    }

    private void Combine(SliceCall call, long piece)
    {
        long bytes = PieceBytes(call, _exchange.Rank, piece);
        if (call.Op is null || bytes == 0)
        {
            return;
        }

        byte** sources = stackalloc byte*[_exchange.Size];
        for (int rank = 0; rank < _exchange.Size; rank++)
        {
            sources[rank] = rank == _exchange.Rank ? call.Contribution(rank) + (piece * _pieceBytes) : Staging(piece, rank);
        }

        byte* result = ResultOf(call, piece);
        Reduction.Run(sources, _exchange.Size, &result, 1, bytes / call.ElementBytes, call.ElementType, call.Op.Value);
    }

    // Where nobody asked for the result here, the tensor stays as it is.
    private byte* ResultOf(SliceCall call, long piece) => call.Result == null ? Staging(piece, _exchange.Rank) : call.Result + (piece * _pieceBytes);

    // Results go from the slices' owners to those that want them.
    private void Spread(SliceCall call, long piece)
    {
        RequestSet requests = _spreading[piece % _piecesAtOnce];
        int rank = _exchange.Rank, size = _exchange.Size;
        for (int owner = 0; call.Wants(rank) && owner < size; owner++)
        {
            long bytes = PieceBytes(call, owner, piece);
            if (owner != rank && bytes > 0)
            {
                requests.Receive(call.Destination(owner) + (piece * _pieceBytes), bytes, owner, MpiExchange.ResultTag);
            }
        }

        long own = PieceBytes(call, rank, piece);
        for (int i = 1; own > 0 && i < size; i++)
        {
            int other = (rank + i) % size;
            if (call.Wants(other))
            {
                requests.Send(ResultOf(call, piece), own, other, MpiExchange.ResultTag);
            }
        }
    }
}

/// <summary>What travels in a <see cref="SlicedTransfer"/>.</summary>
internal abstract unsafe class SliceCall
{
    /// <summary>How contributions are combined; null: there is one, which is the result.</summary>
    public ReduceOp? Op { get; init; }

    public ScalarType ElementType { get; init; }

    public long ElementBytes { get; init; }

    /// <summary>Where the result of this rank's slice goes; null: it is not wanted here.</summary>
    public byte* Result { get; init; }

    /// <summary>The size of a rank's slice.</summary>
    public abstract long SliceBytes(int owner);

    /// <summary>What this rank contributes to a rank's slice.</summary>
    public abstract byte* Contribution(int owner);

    /// <summary>Where a rank's result goes in this rank's memory.</summary>
    public abstract byte* Destination(int owner);

    /// <summary>Whether a rank contributes.</summary>
    public abstract bool Contributes(int rank);

    /// <summary>Whether a rank wants all results.</summary>
    public abstract bool Wants(int rank);
}

/// <summary>One tensor of each rank, cut into slices: all contribute, or a root does; all want the result, or a root does.</summary>
/// <param name="memory">This rank's tensor.</param>
/// <param name="bytes">Its size.</param>
/// <param name="size">The number of ranks.</param>
/// <param name="giver">The only rank that contributes; null: all do.</param>
/// <param name="taker">The only rank that wants the result; null: all do.</param>
internal sealed unsafe class WholeTensorCall(byte* memory, long bytes, int size, int? giver, int? taker) : SliceCall
{
    private readonly Parts _slices = new(bytes, 1, size);

    public override long SliceBytes(int owner) => _slices.Count(owner);

    public override byte* Contribution(int owner) => memory + _slices.Start(owner);

    public override byte* Destination(int owner) => Contribution(owner);

    public override bool Contributes(int rank) => giver is null || giver == rank;

    // Who gives has it.
    public override bool Wants(int rank) => (taker is null || taker == rank) && giver != rank;
}

/// <summary>A tensor of each rank for each rank: all contribute, and each rank keeps its own slice.</summary>
/// <param name="inputs">This rank's tensors.</param>
/// <param name="bytes">The size of each.</param>
internal sealed unsafe class TensorForEachCall(DenseTensor[] inputs, long bytes) : SliceCall
{
    public override long SliceBytes(int owner) => bytes;

    public override byte* Contribution(int owner) => inputs[owner].Memory;

    public override byte* Destination(int owner) => null;

    public override bool Contributes(int rank) => true;

    public override bool Wants(int rank) => false;
}
