using System.Runtime;
using Convoy.Torch.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// Times, for passes of convolutions, all kernels that can compute them, on this machine with libtorch's present number of threads, and chooses the fastest
/// (what <c>torch.backends.cudnn.benchmark</c> does on GPUs). Ranks of one host measure together, so that each has the load that it will have in training.
/// </summary>
/// <remarks>
/// Kernels take turns, and are compared within a turn: machines change their speed from second to second, some between two states that differ two or three times. Turns at whose two ends a
/// matrix product ran at different speeds (<see cref="MachineProbe"/>) do not count.
/// </remarks>
/// <param name="time">The clock.</param>
/// <param name="agree">Given whether this rank would go on, says whether all do, as rank 0 decides; all ranks call it together. Null, the default: there is one.</param>
public sealed class KernelMeasurement(TimeProvider time, Func<bool, bool>? agree = null)
{
    // A kernel that is this much slower in the first turn takes part in no other.
    private const double Hopeless = 1.4;

    // A kernel whose first call takes this much longer than another's, and longer than compilation can explain, is not called again.
    private const double OutOfTheQuestion = 5;
    private const double CompilationSeconds = 0.1;

    // A kernel for which the processor has no instructions takes this much longer for any pass of the type. After so many passes it is tried for no other: once may be the machine.
    private const double WithoutInstructions = 10;
    private const int OftenEnough = 2;

    // The fixed choice stays unless another is faster by this much: what cannot be told apart should not change bits.
    private const double Advantage = 0.98;

    // Turns of a key after the first.
    private const int MostTurns = 5;

    // Arithmetic of a call that says enough: larger batches are measured in part.
    private const double EnoughFlops = 4e9;

    // .NET counts 30 calls, after a tenth of a second in which nothing new was called.
    private const int LeastWarmUpCalls = 60;

    // Small ones of every sort for which there are kernels of their own: 3x3, a first layer, 1x1.
    private static readonly ConvolutionShape[] WarmUpShapes = [new(1, 32, 8, 8, 32, 3, 3, 1, 1, 1, 1), new(1, 3, 16, 16, 32, 7, 7, 2, 2, 3, 3), new(1, 32, 8, 8, 32, 1, 1, 2, 2, 0, 0)];

    // The kernels are warm when nothing was compiled for so long. Where a process has one core, compilation shares it with what it waits for, and takes seconds.
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan LongestWarmUp = TimeSpan.FromSeconds(2);

    private readonly Func<bool, bool> _agree = agree ?? (wish => wish);
    private readonly Dictionary<(IConvolutionAlgorithm Kernel, ScalarType Dtype), int> _withoutInstructions = [];

    /// <summary>How long all keys together may take, roughly; above 0. When it is over, those that are left get one turn each. Default 8 seconds.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Measures.</summary>
    /// <param name="keys">What to choose kernels for; the same on every rank.</param>
    /// <returns>The choices, with their times, in the order of the keys.</returns>
    public IReadOnlyList<KernelChoice> Measure(IReadOnlyList<ConvolutionKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        using IDisposable noGradient = no_grad();
        var choices = new List<KernelChoice>();
        if (!_agree(keys.Count > 0))
        {
            return choices;
        }

        long start = time.GetTimestamp();
        var probe = new MachineProbe(time);
        foreach (ScalarType dtype in keys.Select(key => key.Dtype).Distinct())
        {
            WarmUp(dtype);
        }

        double remainingFlops = keys.Sum(key => MeasuredFlops(key));
        foreach (ConvolutionKey key in keys)
        {
            double share = MeasuredFlops(key) / remainingFlops, left = Math.Max(0, (Budget - time.GetElapsedTime(start)).TotalSeconds);
            choices.Add(Measure(key, TimeSpan.FromSeconds(left * share), probe));
            remainingFlops -= MeasuredFlops(key);
        }

        NativeHeap.Trim();
        return choices;
    }

    private KernelChoice Measure(ConvolutionKey key, TimeSpan budget, MachineProbe probe)
    {
        IConvolutionAlgorithm[] algorithms = Candidates(key);
        using DisposeScope scope = NewDisposeScope();
        using var operands = new ConvolutionOperands(key with { Shape = MeasuredShape(key) });
        double whole = (double)key.Shape.Batch / MeasuredShape(key).Batch;
        _agree(true); // All begin at the same time.
        long start = time.GetTimestamp();
        double[] first = operands.Time(algorithms, time); // The first call compiles.
        double quickest = first.Min();
        for (int i = 0; i < algorithms.Length; i++)
        {
            // Where the processor lacks instructions, a call may take a second and more: one says enough.
            if (first[i] <= OutOfTheQuestion * quickest || first[i] <= CompilationSeconds)
            {
                first[i] = operands.Time([algorithms[i]], time)[0];
            }
            else if (first[i] > WithoutInstructions * quickest)
            {
                _withoutInstructions[(algorithms[i], key.Dtype)] = _withoutInstructions.GetValueOrDefault((algorithms[i], key.Dtype)) + 1;
            }
        }

        double best = first.Min();
        List<int> running = [.. Enumerable.Range(0, algorithms.Length).Where(i => first[i] <= Hopeless * best)];
        List<double[]> turns = [], steady = [];
        while (_agree(running.Count > 1 && turns.Count < MostTurns && (turns.Count == 0 || time.GetElapsedTime(start) < budget)))
        {
            double before = probe.FlopsPerSecond();
            turns.Add(operands.Time([.. running.Select(i => algorithms[i])], time));
            if (MachineProbe.IsSameState(before, probe.FlopsPerSecond()))
            {
                steady.Add(turns[^1]);
            }
        }

        List<double[]> counted = steady.Count > 0 ? steady : turns;
        var seconds = algorithms.Select((algorithm, i) => (algorithm.Name, Seconds: first[i] * whole)).ToDictionary(entry => entry.Name, entry => entry.Seconds);
        if (counted.Count == 0)
        {
            return new KernelChoice(key, algorithms[running[0]].Name, seconds);
        }

        int fixedChoice = running.FindIndex(i => algorithms[i] == ConvolutionAlgorithms.FixedFor(key));
        int reference = Math.Max(0, fixedChoice);
        double[] relative = [.. Enumerable.Range(0, running.Count).Select(i => Median(counted.Select(turn => turn[i] / turn[reference])))];
        int chosen = Array.IndexOf(relative, relative.Min());
        chosen = fixedChoice >= 0 && relative[chosen] > Advantage ? fixedChoice : chosen;
        for (int i = 0; i < running.Count; i++)
        {
            seconds[algorithms[running[i]].Name] = Median(counted.Select(turn => turn[i])) * whole;
        }

        return new KernelChoice(key, algorithms[running[chosen]].Name, seconds);
    }

    private IConvolutionAlgorithm[] Candidates(ConvolutionKey key)
    {
        IConvolutionAlgorithm[] all = [.. ConvolutionAlgorithms.For(key)];
        IConvolutionAlgorithm[] promising = [.. all.Where(algorithm => _withoutInstructions.GetValueOrDefault((algorithm, key.Dtype)) < OftenEnough)];
        return promising.Length > 0 ? promising : all;
    }

    // .NET compiles a method for speed when it was called often enough, in the background: whatever is measured before that is measured wrongly.
    private void WarmUp(ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        ConvolutionOperands[] operands =
        [
            .. from shape in WarmUpShapes
               from pass in Enum.GetValues<ConvolutionPass>()
               select new ConvolutionOperands(new ConvolutionKey(shape, dtype, pass)),
        ];
        long start = time.GetTimestamp(), quietSince = start, compiled = 0;
        for (int calls = 0; calls < LeastWarmUpCalls || (time.GetElapsedTime(quietSince) < Quiet && time.GetElapsedTime(start) < LongestWarmUp); calls++)
        {
            if (JitInfo.GetCompiledMethodCount() is var count && count != compiled)
            {
                (compiled, quietSince) = (count, time.GetTimestamp());
            }

            foreach (ConvolutionOperands operand in operands)
            {
                foreach (IConvolutionAlgorithm algorithm in ConvolutionAlgorithms.For(operand.Key))
                {
                    operand.Run(algorithm);
                }
            }
        }

        foreach (ConvolutionOperands operand in operands)
        {
            operand.Dispose();
        }
    }

    // Not below the threads: libtorch gives each an image.
    private static ConvolutionShape MeasuredShape(ConvolutionKey key)
    {
        ConvolutionShape shape = key.Shape;
        int enough = (int)Math.Ceiling(EnoughFlops / (shape.Flops / shape.Batch));
        return shape with { Batch = Math.Clamp(Math.Max(enough, get_num_threads()), 1, shape.Batch) };
    }

    private static double MeasuredFlops(ConvolutionKey key) => MeasuredShape(key).Flops;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>Made-up tensors for a pass; the dispose scope in which they are made frees them.</summary>
internal sealed class ConvolutionOperands : IDisposable
{
    private readonly ConvolutionWeight _weight = new();
    private readonly Tensor _input;
    private readonly Tensor _gradient;
    private readonly Tensor _values;

    /// <summary>Makes them: uniform numbers around zero.</summary>
    public ConvolutionOperands(ConvolutionKey key)
    {
        Key = key;
        ConvolutionShape shape = key.Shape;
        using var generator = new Generator(0, CPU);
        _input = ChannelsLast(generator, shape.Batch, shape.InChannels, shape.Height, shape.Width).to(key.Dtype);
        _gradient = ChannelsLast(generator, shape.Batch, shape.OutChannels, shape.OutHeight, shape.OutWidth).to(key.Dtype);
        _values = ChannelsLast(generator, shape.OutChannels, shape.InChannels, shape.KernelHeight, shape.KernelWidth);
        _weight.Set(_values);
    }

    /// <summary>The pass.</summary>
    public ConvolutionKey Key { get; }

    /// <summary>Computes the pass and frees the result. Weights count as changed since the call before, as they are after an update.</summary>
    public void Run(IConvolutionAlgorithm algorithm)
    {
        using DisposeScope scope = NewDisposeScope();
        _weight.Dispose();
        _weight.Set(_values);
        _ = Compute(algorithm);
    }

    /// <summary>What one call of each kernel takes, one after the other, in seconds.</summary>
    public double[] Time(IConvolutionAlgorithm[] algorithms, TimeProvider time)
    {
        double[] seconds = new double[algorithms.Length];
        for (int i = 0; i < algorithms.Length; i++)
        {
            long start = time.GetTimestamp();
            Run(algorithms[i]);
            seconds[i] = time.GetElapsedTime(start).TotalSeconds;
        }

        return seconds;
    }

    /// <summary>The pass's result.</summary>
    public Tensor Compute(IConvolutionAlgorithm algorithm) => Key.Pass switch
    {
        ConvolutionPass.Forward => algorithm.Forward(_input, _weight, null, Key.Shape),
        ConvolutionPass.InputGradient => algorithm.InputGradient(_gradient, _weight, Key.Shape),
        _ => algorithm.WeightGradient(_input, _gradient, Key.Shape),
    };

    /// <summary>The pass's result in float64, of the input and gradient in their type and the weights in float32.</summary>
    public Tensor Exact()
    {
        using IDisposable withGradients = enable_grad();
        Tensor input = _input.to(ScalarType.Float64).requires_grad_(), weight = _values.to(ScalarType.Float64).requires_grad_();
        Tensor result = nn.functional.conv2d(input, weight, strides: Key.Shape.Strides, padding: Key.Shape.Paddings);
        return Key.Pass == ConvolutionPass.Forward ? result.detach() : autograd.grad([result], [Key.Pass == ConvolutionPass.InputGradient ? input : weight], [_gradient.to(ScalarType.Float64)])[0];
    }

    /// <inheritdoc/>
    public void Dispose() => _weight.Dispose();

    private static Tensor ChannelsLast(Generator generator, long n, long c, long h, long w) => (rand([n, h, w, c], generator: generator) - 0.5).permute(0, 3, 1, 2);
}
