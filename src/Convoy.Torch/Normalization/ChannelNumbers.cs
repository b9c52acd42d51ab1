using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>
/// Tensors of one number a channel, read and written where they lie. They are so small that each of libtorch's operations on them costs more than their numbers do, and every layer has several in
/// each step. What lies elsewhere (another device, with gaps, or of another type) goes through operations.
/// </summary>
internal static unsafe class ChannelNumbers
{
    /// <summary>The numbers.</summary>
    /// <param name="tensor">[C], of a floating-point type.</param>
    public static double[] Read(Tensor tensor)
    {
        if (IsInReach(tensor))
        {
            return ReadDense(tensor, tensor.dtype, tensor.shape[0], 1);
        }

        using var scope = NewDisposeScope();
        Tensor wide = tensor.detach().cpu().to(ScalarType.Float64).contiguous();
        return ReadDense(wide, ScalarType.Float64, wide.shape[0], 1);
    }

    /// <summary>The first number of every channel.</summary>
    /// <param name="tensor">float32, float64 or bfloat16, not empty.</param>
    /// <param name="layout">Its layout.</param>
    public static double[] ReadFirst(Tensor tensor, ChannelLayout layout) => ReadDense(tensor, tensor.dtype, layout.Channels, layout.ChannelsLast ? 1 : layout.Positions);

    /// <summary>A tensor of the numbers.</summary>
    /// <param name="values">One a channel.</param>
    /// <param name="type">Its type.</param>
    public static Tensor Make(double[] values, ScalarType type)
    {
        if (type is not (ScalarType.Float32 or ScalarType.Float64))
        {
            return tensor(values, dtype: type);
        }

        Tensor made = empty(values.Length, type);
        WriteDense(made, values);
        return made;
    }

    /// <summary>running = (1 - factor) running + factor batch, in float64 whatever the running numbers are in.</summary>
    /// <param name="running">[C].</param>
    /// <param name="batch">One a channel.</param>
    /// <param name="factor">The weight of the batch.</param>
    public static void Update(Tensor running, double[] batch, double factor)
    {
        if (IsInReach(running) && running.dtype != ScalarType.BFloat16)
        {
            double[] numbers = Read(running);
            for (int channel = 0; channel < numbers.Length; channel++)
            {
                numbers[channel] = ((1 - factor) * numbers[channel]) + (factor * batch[channel]);
            }

            WriteDense(running, numbers);
            AutogradVersion.Raise(running);
            return;
        }

        using Tensor values = tensor(batch, device: running.device);
        running.copy_(values.mul_(factor).add_(running, 1 - factor));
    }

    /// <summary>Counts one more batch.</summary>
    /// <param name="batches">One integer.</param>
    public static void CountOne(Tensor batches)
    {
        if (batches.device_type == DeviceType.CPU && batches.dtype == ScalarType.Int64)
        {
            (*(long*)TensorMemory.Address(batches))++;
            AutogradVersion.Raise(batches);
        }
        else
        {
            batches.add_(1);
        }
    }

    private static bool IsInReach(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && tensor.dtype is (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16) && tensor.is_contiguous();

    private static double[] ReadDense(Tensor tensor, ScalarType type, long count, long stride)
    {
        byte* start = TensorMemory.Address(tensor);
        double[] values = new double[count];
        for (long channel = 0; channel < count; channel++)
        {
            values[channel] = type switch
            {
                ScalarType.Float64 => ((double*)start)[channel * stride],
                ScalarType.BFloat16 => BFloat16Conversion.Widen(((ushort*)start)[channel * stride]),
                _ => ((float*)start)[channel * stride],
            };
        }

        return values;
    }

    private static void WriteDense(Tensor tensor, double[] values)
    {
        byte* start = TensorMemory.Address(tensor);
        bool isWide = tensor.dtype == ScalarType.Float64;
        for (int channel = 0; channel < values.Length; channel++)
        {
            if (isWide)
            {
                ((double*)start)[channel] = values[channel];
            }
            else
            {
                ((float*)start)[channel] = (float)values[channel];
            }
        }
    }
}
