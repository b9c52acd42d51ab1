using Convoy.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.RandomOperations;

/// <summary>A tensor with known elements among others that no operation may touch. It belongs to the present dispose scope.</summary>
internal sealed unsafe class GuardedTensor
{
    // A value of every element type, also of bool.
    private const byte Guard = 1;

    private readonly Tensor _whole;

    private GuardedTensor(Tensor whole, Tensor view, ReadOnlySpan<byte> content)
    {
        (_whole, View) = (whole, view);
        Bytes(whole).Fill(Guard);
        Tensor elements = empty(view.shape, view.dtype);
        content.CopyTo(Bytes(elements));
        view.copy_(elements);
    }

    /// <summary>What the operation gets.</summary>
    public Tensor View { get; }

    /// <summary>A new tensor with these elements.</summary>
    public static GuardedTensor Of(TensorLayout layout, ScalarType type, ReadOnlySpan<byte> content)
    {
        long count = content.Length / ElementValues.Size(type);
        long row = new long[] { 7, 5, 3, 2, 1 }.First(divisor => count % divisor == 0), rows = count / row;
        Tensor whole = empty(layout switch
        {
            TensorLayout.Contiguous => [count],
            TensorLayout.Offset => [count + 5],
            TensorLayout.EverySecond => [(2 * count) + 1],
            TensorLayout.Transposed => [rows, row],
            _ => (long[])[rows, row + 3],
        }, type);
        return new GuardedTensor(whole, layout switch
        {
            TensorLayout.Contiguous => whole,
            TensorLayout.Offset => whole.narrow(0, 3, count),
            TensorLayout.EverySecond => whole.slice(0, 1, (2 * count) + 1, 2),
            TensorLayout.Transposed => whole.t(),
            _ => whole.narrow(1, 2, row),
        }, content);
    }

    /// <summary>A part of a buffer of the group, from element 3 on.</summary>
    public static GuardedTensor In(Tensor buffer, ReadOnlySpan<byte> content) =>
        new(buffer, buffer.narrow(0, 3, content.Length / ElementValues.Size(buffer.dtype)), content);

    /// <summary>What is wrong, if anything: elements other than these, or changed ones beside them. The tensor is of no use afterwards.</summary>
    public string? Difference(ReadOnlySpan<byte> expected)
    {
        Span<byte> found = Bytes(View.contiguous());
        int same = expected.CommonPrefixLength(found);
        if (same < expected.Length)
        {
            int size = ElementValues.Size(View.dtype), element = same / size;
            return $"element {element} is {Hexadecimal(found.Slice(element * size, size))} in place of {Hexadecimal(expected.Slice(element * size, size))}";
        }

        Tensor guards = empty(View.shape, View.dtype);
        Bytes(guards).Fill(Guard);
        View.copy_(guards);
        return Bytes(_whole).ContainsAnyExcept(Guard) ? "elements beside it were changed" : null;
    }

    private static Span<byte> Bytes(Tensor tensor) => new(TensorMemory.Address(tensor), checked((int)(tensor.numel() * tensor.element_size())));

    // The byte of the lowest value last, as one writes a number.
    private static string Hexadecimal(ReadOnlySpan<byte> element)
    {
        byte[] bytes = element.ToArray();
        Array.Reverse(bytes);
        return "0x" + Convert.ToHexString(bytes);
    }
}
