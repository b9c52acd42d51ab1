using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// Gradients travel as two thin factors: PowerSGD (Vogels, Karimireddy and Jaggi, "PowerSGD: Practical Low-Rank Gradient
/// Compression for Distributed Optimization", NeurIPS 2019), as PyTorch's <c>powerSGD_hook</c>.
/// </summary>
/// <remarks>
/// <para>A gradient of n rows and m columns (a weight's first dimension by all others) is approximated by P Q', with P of n x r and
/// Q of m x r. P = M Q is averaged over the ranks and made orthonormal, then Q = M' P is averaged: one step of power iteration on the mean gradient,
/// which goes on from the last step's Q. What the approximation loses stays on the rank and is added to its next gradient. Vectors, and
/// matrices that would not become smaller, are averaged exactly, together with the P's: two messages a bucket.</para>
/// <para>All ranks compute the same bits. State belongs to a parameter, so it survives the rebuilding of buckets, and steps may be
/// compressed from the first on (PyTorch keeps it per bucket and needs two exact steps). Of tensors that are not compressed no error is kept,
/// as they lose nothing. One hook serves one model at a time; dispose of it after the model.</para>
/// </remarks>
public sealed class PowerSGDHook : ICommunicationHook, IDisposable
{
    private const string IterationName = "iteration";

    private readonly PowerSGDOptions _options;
    private readonly CompressedMean _mean;
    private readonly ExchangeBuffer _first = new();
    private readonly ExchangeBuffer _second = new();
    private readonly Dictionary<nint, LowRankGradient> _states = [];
    private long _passElements;
    private long _passSent;

    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public PowerSGDHook(PowerSGDOptions? options = null)
    {
        _options = options ?? new PowerSGDOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MatrixApproximationRank, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(_options.StartPowerSGDIteration);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_options.MinCompressionRate, 0);
        ArgumentOutOfRangeException.ThrowIfNegative(_options.OrthogonalizationEpsilon);
        if (_options.CommunicationType is not (null or ScalarType.Float16 or ScalarType.BFloat16))
        {
            throw new ArgumentOutOfRangeException(nameof(options), _options.CommunicationType, "the communication type is Float16, BFloat16 or null.");
        }

        _mean = new CompressedMean(_options.CommunicationType);
    }

    /// <summary>How many backward passes it has averaged.</summary>
    public long Iteration { get; private set; }

    /// <summary>The number of gradient elements of the last pass, without gaps in the buckets.</summary>
    public long GradientElements { get; private set; }

    /// <summary>How many elements a rank gave to the others for them: their ratio is the compression rate.</summary>
    public long SentElements { get; private set; }

    /// <inheritdoc/>
    public void Reduce(GradientBucket bucket, ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(bucket);
        ArgumentNullException.ThrowIfNull(group);
        _passElements += bucket.Parameters.Sum(parameter => parameter.numel());
        if (Iteration < _options.StartPowerSGDIteration)
        {
            _passSent += bucket.Flat.numel();
            _mean.Run(bucket.Flat, group);
        }
        else
        {
            Compress(bucket, group);
        }

        if (bucket.IsLast)
        {
            Iteration++;
            (GradientElements, SentElements, _passElements, _passSent) = (_passElements, _passSent, 0, 0);
        }
    }

    /// <summary>
    /// The state for a checkpoint: copies of the factors (<c>NAME.right</c>), of this rank's errors (<c>NAME.error</c>), and the step count.
    /// Errors differ from rank to rank: each rank saves its own.
    /// </summary>
    /// <param name="parameters">The model's parameters with their names.</param>
    public Dictionary<string, Tensor> StateDict(IEnumerable<(string Name, Parameter Parameter)> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        using var noGradient = no_grad();
        var state = new Dictionary<string, Tensor>(StringComparer.Ordinal) { [IterationName] = tensor(Iteration, ScalarType.Int64) };
        foreach ((string name, Parameter parameter) in parameters)
        {
            LowRankGradient? gradient = _states.GetValueOrDefault(parameter.Handle);
            if (gradient?.Error is { } error)
            {
                state[name + ".error"] = error.clone();
            }

            if (gradient?.Right is { } right)
            {
                state[name + ".right"] = right.clone();
            }
        }

        return state;
    }

    /// <summary>Takes over what <see cref="StateDict"/> gave on this rank: training goes on as if it had not stopped.</summary>
    /// <param name="state">The state.</param>
    /// <param name="parameters">The model's parameters with the same names as then.</param>
    /// <exception cref="ArgumentException">The state is of another model or of other options. Nothing is changed.</exception>
    public void LoadStateDict(IReadOnlyDictionary<string, Tensor> state, IEnumerable<(string Name, Parameter Parameter)> parameters)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(parameters);
        using var noGradient = no_grad();
        var left = new HashSet<string>(state.Keys, StringComparer.Ordinal);
        var loads = new List<(Parameter Parameter, Tensor? Error, Tensor? Right)>();
        foreach ((string name, Parameter parameter) in parameters)
        {
            long rank = LowRankGradient.RankFor(parameter, _options);
            long rows = rank == 0 ? 0 : parameter.shape[0];
            Tensor? error = Find(name + ".error", rows, rank == 0 ? 0 : parameter.numel() / rows), right = Find(name + ".right", rank == 0 ? 0 : parameter.numel() / rows, rank);
            if (error is not null || right is not null)
            {
                loads.Add((parameter, error, right));
            }
        }

        if (!left.Remove(IterationName) || left.Count > 0)
        {
            throw new ArgumentException($"the state does not belong to a PowerSGD hook of this model ({(left.Count > 0 ? $"it has '{left.Order(StringComparer.Ordinal).First()}'" : $"it has no '{IterationName}'")}). Load the state of the same model.", nameof(state));
        }

        Iteration = state[IterationName].item<long>();
        foreach ((Parameter parameter, Tensor? error, Tensor? right) in loads)
        {
            StateOf(parameter, LowRankGradient.RankFor(parameter, _options)).Load(error, right);
        }

        Tensor? Find(string name, long rows, long columns)
        {
            if (!left.Remove(name))
            {
                return null;
            }

            long[] shape = state[name].shape;
            return shape.Length == 2 && shape[0] == rows && shape[1] == columns ? state[name] : throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture, $"the state's '{name}' has the shape [{string.Join(", ", shape)}], but this hook needs [{rows}, {columns}]. Create the hook with the same options as before."), nameof(state));
        }
    }

    /// <summary>Frees factors, errors and the memory that they are sent from.</summary>
    public void Dispose()
    {
        foreach (LowRankGradient state in _states.Values)
        {
            state.Dispose();
        }

        _states.Clear();
        _first.Dispose();
        _second.Dispose();
        _mean.Dispose();
    }

    private void Compress(GradientBucket bucket, ProcessGroup group)
    {
        ScalarType type = LowRankGradient.ComputingType(bucket.Flat.dtype);
        var exact = new List<Tensor>();
        var compressed = new List<(LowRankGradient State, Tensor Gradient)>();
        for (int i = 0; i < bucket.Parameters.Count; i++)
        {
            long rank = LowRankGradient.RankFor(bucket.Parameters[i], _options);
            if (rank > 0)
            {
                compressed.Add((StateOf(bucket.Parameters[i], rank), bucket.Gradients[i]));
            }
            else
            {
                exact.Add(bucket.Gradients[i]);
            }
        }

        Tensor[] matrices = [.. compressed.Select(c => c.State.Begin(c.Gradient, _options.UseErrorFeedback))];
        Tensor[] rights = Rights(compressed, bucket.Index, type);
        Tensor[] lefts = AverageLefts(exact, matrices, rights, type, group);
        if (compressed.Count == 0)
        {
            return;
        }

        Tensor message = Take(_second, rights.Sum(right => right.numel()), type, group);
        Tensor[] sent = Split(message, rights.Select(right => right.shape));
        for (int i = 0; i < rights.Length; i++)
        {
            sent[i].copy_(matrices[i].t().matmul(lefts[i]));
        }

        _mean.Run(message, group);
        for (int i = 0; i < rights.Length; i++)
        {
            (LowRankGradient state, Tensor gradient) = compressed[i];
            Tensor approximation = lefts[i].matmul(sent[i].t());
            gradient.copy_(approximation.reshape(gradient.shape));
            if (_options.UseErrorFeedback)
            {
                state.KeepError(approximation);
            }

            if (_options.WarmStart)
            {
                state.KeepRight(sent[i]);
            }
        }
    }

    // Averages what is not compressed, in place, and gives the left factors: averaged and made orthonormal.
    private Tensor[] AverageLefts(List<Tensor> exact, Tensor[] matrices, Tensor[] rights, ScalarType type, ProcessGroup group)
    {
        Tensor message = Take(_first, exact.Sum(gradient => gradient.numel()) + matrices.Zip(rights, (matrix, right) => matrix.shape[0] * right.shape[1]).Sum(), type, group);
        Tensor[] parts = Split(message, exact.Select(gradient => gradient.shape).Concat(matrices.Zip(rights, (matrix, right) => new[] { matrix.shape[0], right.shape[1] })));
        Tensor[] lefts = parts[exact.Count..];
        for (int i = 0; i < exact.Count; i++)
        {
            parts[i].copy_(exact[i]);
        }

        for (int i = 0; i < lefts.Length; i++)
        {
            lefts[i].copy_(matrices[i].matmul(rights[i]));
        }

        _mean.Run(message, group);
        for (int i = 0; i < exact.Count; i++)
        {
            exact[i].copy_(parts[i]);
        }

        foreach (Tensor left in lefts)
        {
            Orthogonalization.Apply(left, _options.OrthogonalizationEpsilon);
        }

        return lefts;
    }

    private Tensor[] Rights(List<(LowRankGradient State, Tensor Gradient)> compressed, int bucket, ScalarType type)
    {
        // A new generator for each step and bucket: a run that is resumed draws the same.
        using var generator = new Generator(Seed(bucket));
        var rights = new Tensor[compressed.Count];
        for (int i = 0; i < rights.Length; i++)
        {
            LowRankGradient state = compressed[i].State;
            rights[i] = state.Right?.clone() ?? randn([state.Columns, state.Rank], type, generator: generator);
            Orthogonalization.Apply(rights[i], _options.OrthogonalizationEpsilon, () => RandomColumn(state.Columns, generator));
        }

        return rights;
    }

    private static double[] RandomColumn(long length, Generator generator)
    {
        using Tensor column = randn([length], ScalarType.Float64, generator: generator);
        return column.data<double>().ToArray();
    }

    // Splitmix64's increment and first multiplier spread neighbouring numbers.
    private ulong Seed(int bucket) => unchecked((((ulong)_options.RandomSeed + ((ulong)Iteration * 0x9E3779B97F4A7C15UL)) ^ (ulong)(uint)bucket) * 0xBF58476D1CE4E5B9UL);

    private Tensor Take(ExchangeBuffer buffer, long count, ScalarType type, ProcessGroup group)
    {
        _passSent += count;
        return buffer.Take(group, Math.Max(1, count), type);
    }

    private LowRankGradient StateOf(Parameter parameter, long rank)
    {
        if (!_states.TryGetValue(parameter.Handle, out LowRankGradient? state))
        {
            _states[parameter.Handle] = state = new LowRankGradient(parameter, rank);
        }

        return state;
    }

    private static Tensor[] Split(Tensor message, IEnumerable<long[]> shapes)
    {
        var parts = new List<Tensor>();
        long offset = 0;
        foreach (long[] shape in shapes)
        {
            long count = shape.Aggregate(1L, (product, length) => product * length);
            parts.Add(message.narrow(0, offset, count).view(shape));
            offset += count;
        }

        return [.. parts];
    }
}

/// <summary>The options of <see cref="PowerSGDHook"/>, named and with defaults as in PyTorch's <c>PowerSGDState</c>. All ranks give the same.</summary>
public sealed record PowerSGDOptions
{
    /// <summary>The rank of the approximation: how many columns the two factors have. More is more exact and more to send. At least 1; default: 1.</summary>
    public int MatrixApproximationRank { get; init; } = 1;

    /// <summary>How many first steps send exact gradients, as early gradients compress badly. At least 0; default: 1,000.</summary>
    public long StartPowerSGDIteration { get; init; } = 1_000;

    /// <summary>A gradient is compressed when that makes it smaller by more than this factor. Above 0; default: 2.</summary>
    public double MinCompressionRate { get; init; } = 2;

    /// <summary>Whether what compression loses is kept and added to the next step's gradient; it costs memory of the size of the compressed gradients. Default: true.</summary>
    public bool UseErrorFeedback { get; init; } = true;

    /// <summary>Whether each step starts from the factor of the step before instead of a random one. Default: true.</summary>
    public bool WarmStart { get; init; } = true;

    /// <summary>What is added to the length of a factor's column before it is divided by it. At least 0; default: 0. Columns that are zero remain zero in any case.</summary>
    public double OrthogonalizationEpsilon { get; init; }

    /// <summary>The seed of the random factors. Default: 0.</summary>
    public long RandomSeed { get; init; }

    /// <summary>
    /// The type in which factors and uncompressed gradients travel, <see cref="ScalarType.Float16"/> or <see cref="ScalarType.BFloat16"/>,
    /// in place of PyTorch's <c>fp16_compress_wrapper</c> and <c>bf16_compress_wrapper</c>; null: the gradients' own. Default: null.
    /// </summary>
    public ScalarType? CommunicationType { get; init; }
}
