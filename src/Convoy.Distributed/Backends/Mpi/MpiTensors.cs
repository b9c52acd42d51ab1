using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// The tensors of the present operation. After a failure their memory is kept for as long as the process lives: a message that is on its way
/// may still be written into it, and MPI cannot take it back.
/// </summary>
internal sealed class MpiTensors
{
    private readonly List<DenseTensor> _open = [];

    public DenseTensor Open(Tensor tensor)
    {
        var dense = DenseTensor.From(tensor);
        _open.Add(dense);
        return dense;
    }

    public DenseTensor[] Open(IReadOnlyList<Tensor> tensors) => [.. tensors.Select(Open)];

    /// <summary>The operation is done.</summary>
    public void Close()
    {
        foreach (DenseTensor dense in _open)
        {
            dense.Dispose();
        }

        _open.Clear();
    }

    /// <summary>The operation failed.</summary>
    /// <param name="kept">Where what keeps the memory is put.</param>
    public void Keep(ICollection<Tensor> kept)
    {
        foreach (DenseTensor dense in _open)
        {
            kept.Add(dense.Hold());
        }

        _open.Clear();
    }
}
