namespace Convoy.Lanes.Data;

/// <summary>Where a trainer's batches come from.</summary>
public interface ILaneBatchSource : IDisposable
{
    /// <summary>How many frames there are; indices go from 0 to below this.</summary>
    int FrameCount { get; }

    /// <summary>The batches of one epoch, in order. Dispose each batch after its step.</summary>
    /// <param name="frameIndices">The frames of this process, in order: batches are cut from it.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    /// <param name="skipBatches">How many batches at the start to leave out; at least 0.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    IEnumerable<LaneBatch> Epoch(IReadOnlyList<int> frameIndices, int epoch, int skipBatches = 0, CancellationToken cancellation = default);
}
