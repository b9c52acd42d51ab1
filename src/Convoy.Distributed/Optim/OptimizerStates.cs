using System.Reflection;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Optim;

/// <summary>
/// The state that TorchSharp's optimizers keep for a parameter (momenta, step counts), which are public fields of a class of each
/// optimizer: read, sent to another rank, and written.
/// </summary>
internal static class OptimizerStates
{
    // A tensor's header: whether there is one, its type, its number of dimensions, its lengths.
    private const int HeaderLength = 3 + MostDimensions;
    private const int MostDimensions = 8;

    /// <summary>The state of each of an optimizer's parameters.</summary>
    /// <exception cref="NotSupportedException">The optimizer is not one of TorchSharp's.</exception>
    public static IEnumerable<(Parameter Parameter, OptimizerState State)> Of(optim.Optimizer optimizer) => optimizer is OptimizerHelper helper
        ? helper.parameters().Zip(helper.state_dict().State)
        : throw new NotSupportedException($"the state of {optimizer.GetType().Name} cannot be read. Use one of TorchSharp's own optimizers, or save each rank's part by yourself.");

    /// <summary>Gives a state to another rank, which calls <see cref="Receive"/>.</summary>
    public static void Send(OptimizerState state, ProcessGroup group, int destination)
    {
        foreach (FieldInfo field in Fields(state))
        {
            Tensor? value = field.GetValue(state) switch
            {
                Tensor tensor => tensor,
                long number => tensor(number, ScalarType.Int64),
                double number => tensor(number, ScalarType.Float64),
                _ => null,
            };
            long[] header = new long[HeaderLength];
            if (value is not null)
            {
                (header[0], header[1], header[2]) = (1, (long)value.dtype, value.dim());
                value.shape.CopyTo(header, 3);
            }

            group.Send(tensor(header, ScalarType.Int64), destination);
            if (value is not null)
            {
                group.Send(value, destination);
            }
        }
    }

    /// <summary>Takes over the state that another rank sends.</summary>
    public static void Receive(OptimizerState state, ProcessGroup group, int source)
    {
        foreach (FieldInfo field in Fields(state))
        {
            Tensor header = zeros([HeaderLength], ScalarType.Int64);
            group.Receive(header, source);
            long[] lengths = header.data<long>().ToArray();
            Tensor? value = null;
            if (lengths[0] != 0)
            {
                value = empty(lengths[3..(3 + (int)lengths[2])], (ScalarType)lengths[1]);
                group.Receive(value, source);
            }

            Set(state, field, value);
        }
    }

    /// <summary>Copies a state into another one of the same class.</summary>
    public static void Copy(OptimizerState from, OptimizerState to)
    {
        foreach (FieldInfo field in Fields(to))
        {
            object? value = field.GetValue(from);
            if (field.FieldType == typeof(Tensor))
            {
                Set(to, field, (Tensor?)value);
            }
            else
            {
                field.SetValue(to, value);
            }
        }
    }

    /// <summary>The bytes of a state's tensors.</summary>
    public static long Bytes(OptimizerState state) => Fields(state).Select(field => field.GetValue(state)).OfType<Tensor>().Sum(tensor => tensor.numel() * tensor.element_size());

    private static void Set(OptimizerState state, FieldInfo field, Tensor? value)
    {
        if (field.FieldType == typeof(long))
        {
            field.SetValue(state, value!.item<long>());
        }
        else if (field.FieldType == typeof(double))
        {
            field.SetValue(state, value!.item<double>());
        }
        else if (value is not null && field.GetValue(state) is Tensor present && present.shape.SequenceEqual(value.shape) && present.dtype == value.dtype)
        {
            present.copy_(value);
        }
        else
        {
            (field.GetValue(state) as Tensor)?.Dispose();
            field.SetValue(state, value?.clone().DetachFromDisposeScope());
        }
    }

    // In an order that does not depend on the run time.
    private static FieldInfo[] Fields(OptimizerState state)
    {
        FieldInfo[] fields = [.. state.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public).OrderBy(field => field.Name, StringComparer.Ordinal)];
        return fields.FirstOrDefault(field => field.FieldType != typeof(Tensor) && field.FieldType != typeof(long) && field.FieldType != typeof(double)) is { } other
            ? throw new NotSupportedException($"the optimizer's state has a {other.FieldType.Name} ({other.Name}), which cannot be sent to another rank. Save each rank's part by itself.")
            : fields;
    }
}
