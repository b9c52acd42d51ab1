using Convoy.Torch.Amp;
using Convoy.Torch.Autograd;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Checkpointing;

/// <summary>
/// A <see cref="CheckpointedPart"/> of which only the input is kept. Arguments: the part, its <see cref="BackwardGuard"/>, the input, the parameters that get gradients.
/// </summary>
/// <remarks>
/// The parameters are arguments so that the backward pass that was started hands them their gradients, after this function's backward pass, as any other node's: hooks, reducers and <c>torch.autograd.grad</c> see
/// nothing special. The gradients come out of a pass of their own over the graph of the second forward pass.
/// </remarks>
internal sealed class CheckpointFunction : autograd.SingleTensorFunction<CheckpointFunction>
{
    private const int First = 2; // The arguments before it are no tensors.
    private const string InputNeedsGradient = nameof(InputNeedsGradient);
    private const string Parameters = nameof(Parameters);

    public override string Name => nameof(CheckpointFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var part = (CheckpointedPart)vars[0];
        var input = (Tensor)vars[First];
        var surroundings = new Surroundings();
        ctx.save_for_backward([input]);
        ctx.save_data(nameof(CheckpointedPart), part);
        ctx.save_data(nameof(BackwardGuard), vars[1]);
        ctx.save_data(nameof(Surroundings), surroundings);
        ctx.save_data(InputNeedsGradient, input.requires_grad);
        ctx.save_data(Parameters, vars[(First + 1)..].Cast<Tensor>().ToArray());
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        using IDisposable noGradient = no_grad();

        // Casts that are kept here would have no history, and who uses the weight next would get no gradient.
        using IDisposable? region = surroundings.Enter(cacheEnabled: false);
        return part.Run(input);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var guard = (BackwardGuard)ctx.get_data(nameof(BackwardGuard));
        var parameters = (Tensor[])ctx.get_data(Parameters);
        return guard.Run(First + 1 + parameters.Length, grad_output, gradient => Gradients(ctx, gradient, parameters), context: ctx);
    }

    private static Tensor?[] Gradients(autograd.AutogradContext ctx, Tensor gradient, Tensor[] parameters)
    {
        var part = (CheckpointedPart)ctx.get_data(nameof(CheckpointedPart));
        var surroundings = (Surroundings)ctx.get_data(nameof(Surroundings));
        bool inputNeedsGradient = (bool)ctx.get_data(InputNeedsGradient), differentiable = is_grad_enabled();
        Tensor saved = ctx.get_saved_variables()[0];
        Tensor input = differentiable ? saved : saved.detach().requires_grad_(inputNeedsGradient);
        Tensor[] wanted = [.. inputNeedsGradient ? [input] : Array.Empty<Tensor>(), .. parameters];
        IReadOnlyList<(Tensor, byte[])> buffers = part.Buffers();
        try
        {
            Tensor output;
            using (enable_grad())
            {
                output = surroundings.Run(() => part.Run(input));
            }

            IList<Tensor> gradients = autograd.grad([output], wanted, [gradient], retain_graph: differentiable, create_graph: differentiable, allow_unused: true);
            Tensor?[] found = [.. gradients.Select(one => one is null || one.IsInvalid ? null : one)];
            return [null, null, .. inputNeedsGradient ? [] : new Tensor?[1], .. found];
        }
        finally
        {
            CheckpointedPart.PutBack(buffers);
        }
    }
}

/// <summary>What a forward pass depends on besides its modules and its input: autocast, and the state of libtorch's random generator.</summary>
internal sealed class Surroundings
{
    private readonly ScalarType? _region = Autocast.IsEnabled(DeviceType.CPU) ? Autocast.Dtype(DeviceType.CPU) : null;
    private readonly byte[] _random = Read();

    /// <summary>Enters the autocast region that there was, or leaves the present one if there was none.</summary>
    /// <param name="cacheEnabled">Whether weights' casts are kept.</param>
    public IDisposable? Enter(bool cacheEnabled) =>
        _region is { } type ? Autocast.Enter(DeviceType.CPU, type, cacheEnabled: cacheEnabled)
        : Autocast.IsEnabled(DeviceType.CPU) ? Autocast.Enter(DeviceType.CPU, enabled: false)
        : null;

    /// <summary>Runs something as it was then; the generator goes on afterwards as if nothing had been drawn.</summary>
    public Tensor Run(Func<Tensor> compute)
    {
        byte[] present = Read();
        Write(_random);
        try
        {
            using IDisposable? region = Enter(cacheEnabled: true);
            return compute();
        }
        finally
        {
            Write(present);
        }
    }

    private static byte[] Read()
    {
        using Tensor state = get_rng_state();
        return state.data<byte>().ToArray();
    }

    private static void Write(byte[] values)
    {
        using Tensor state = tensor(values, ScalarType.Byte);
        set_rng_state(state);
    }
}
