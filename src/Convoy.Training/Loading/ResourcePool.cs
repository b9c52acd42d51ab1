namespace Convoy.Training.Loading;

/// <summary>Resources that are expensive to make, such as buffers or decoders, kept for the next user. Safe for any thread.</summary>
/// <typeparam name="T">A resource that one user at a time has.</typeparam>
/// <param name="create">Makes one when none is free.</param>
/// <param name="capacity">How many free ones are kept; more are disposed when they come back.</param>
public sealed class ResourcePool<T>(Func<T> create, int capacity) : IDisposable
    where T : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<T> _free = new();
    private bool _disposed;

    /// <summary>A resource that nobody else uses: the one that came back last, or a new one.</summary>
    public T Rent()
    {
        lock (_gate)
        {
            if (_free.TryPop(out T? resource))
            {
                return resource;
            }
        }

        return create();
    }

    /// <summary>Takes a resource back.</summary>
    public void Return(T resource)
    {
        lock (_gate)
        {
            if (!_disposed && _free.Count < capacity)
            {
                _free.Push(resource);
                return;
            }
        }

        resource.Dispose();
    }

    /// <summary>Disposes the free resources; those in use are disposed when they come back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_free.TryPop(out T? resource))
            {
                resource.Dispose();
            }
        }
    }
}
