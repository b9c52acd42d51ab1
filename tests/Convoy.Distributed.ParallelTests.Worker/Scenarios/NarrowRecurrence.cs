using Convoy.Torch.Amp;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// An LSTM under autocast where oneDNN has none of the narrow type, which used to end the process: it must do what it does without autocast, to the bit. Arguments:
/// the type; <c>wide</c>, or <c>either</c> where it depends on the processor.
/// </summary>
internal static class NarrowRecurrence
{
    public static void Run(string[] args)
    {
        ScalarType narrow = args[0] == "fp16" ? ScalarType.Float16 : ScalarType.BFloat16;
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        using var lstm = nn.LSTM(6, 5, numLayers: 2, bidirectional: true);
        using var linear = nn.Linear(10, 2);
        Tensor input = randn(7, 3, 6).requires_grad_();
        (Tensor, Tensor) state = (randn(4, 3, 5), randn(4, 3, 5));

        (Tensor output, Tensor hidden, Tensor cell) = lstm.call(input, state);
        (output.sum() + hidden.sum() + cell.sum()).backward();
        Tensor[] expected = [output, hidden, cell, input.grad!.clone(), .. lstm.parameters().Select(p => p.grad!.clone())];
        lstm.zero_grad();
        input.grad = null;

        using (Autocast.Enter(DeviceType.CPU, narrow))
        {
            (output, hidden, cell) = lstm.call(input, state);
            Expect.True(linear.call(output).dtype == narrow, "what follows is not cast");
            Expect.True(Autocast.Dtype(DeviceType.CPU) == narrow, "the region's type has changed");
            RefuseWrongSizes(lstm);
            Expect.True(Autocast.Dtype(DeviceType.CPU) == narrow, "the region's type has changed after an error");

            // Other regions inside, and input that is narrow already.
            using (Autocast.Enter(DeviceType.CPU, narrow))
            {
                Expect.True(lstm.call(input, state).Item1.dtype == output.dtype, "a region inside makes a difference");
            }

            using (no_grad())
            {
                Expect.True(lstm.call(input, null).Item1.dtype == output.dtype, "no_grad makes a difference");
            }

            // Where .NET is told of fewer instructions than libtorch has, oneDNN's layer is kept wide for such an input, too.
            ScalarType given = lstm.call(input.to(narrow), null).Item1.dtype;
            Expect.True(given == narrow || (args[1] == "either" && given == ScalarType.Float32), $"a narrow input gives an output of {given}");
        }

        (output.to(float32).sum() + hidden.to(float32).sum() + cell.to(float32).sum()).backward();
        bool wide = output.dtype == ScalarType.Float32;
        Expect.True(wide || (args[1] == "either" && output.dtype == narrow), $"the output is {output.dtype}");
        Tensor[] found = [output, hidden, cell, input.grad!, .. lstm.parameters().Select(p => p.grad!)];
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = (found[i].to(float64) - expected[i].to(float64)).abs().max().item<double>();
            Expect.True(wide ? difference == 0 : difference < 0.05 * Math.Max(1, expected[i].abs().max().item<float>()), $"tensor {i} differs by {difference}");
        }

        Expect.True(lstm.call(input, state).Item1.eq(expected[0]).all().item<bool>(), "after the region the layer does something else");
    }

    private static void RefuseWrongSizes(nn.Module<Tensor, (Tensor, Tensor)?, (Tensor, Tensor, Tensor)> lstm)
    {
        try
        {
            lstm.call(ones(7, 3, 9), null);
        }
        catch (System.Runtime.InteropServices.ExternalException)
        {
            return;
        }

        throw new InvalidOperationException("an input of the wrong size is taken");
    }
}
