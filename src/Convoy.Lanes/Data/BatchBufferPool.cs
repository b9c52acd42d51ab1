namespace Convoy.Lanes.Data;

/// <summary>Batch buffers that are not in use. Safe for any thread.</summary>
internal sealed class BatchBufferPool : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<BatchBuffer> _free = new();
    private readonly LaneLoaderOptions _options;
    private readonly int _mostKept;
    private bool _disposed;

    public BatchBufferPool(LaneLoaderOptions options)
    {
        _options = options;
        _mostKept = options.PrefetchBatches + 2;
    }

    /// <summary>A buffer that nobody else uses.</summary>
    public BatchBuffer Rent()
    {
        lock (_gate)
        {
            if (_free.TryPop(out BatchBuffer? buffer))
            {
                return buffer;
            }
        }

        return new BatchBuffer(_options);
    }

    /// <summary>Takes a buffer back for the next batch.</summary>
    public void Return(BatchBuffer buffer)
    {
        lock (_gate)
        {
            if (!_disposed && _free.Count < _mostKept)
            {
                _free.Push(buffer);
                return;
            }
        }

        buffer.Dispose();
    }

    /// <summary>Frees the buffers; those still in use are freed when they come back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_free.TryPop(out BatchBuffer? buffer))
            {
                buffer.Dispose();
            }
        }
    }
}
