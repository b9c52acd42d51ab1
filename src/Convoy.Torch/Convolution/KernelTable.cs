namespace Convoy.Torch.Convolution;

/// <summary>Which kernel computes which pass of which convolution: what was measured on a machine, or is to be the same on several. Immutable.</summary>
public sealed class KernelTable
{
    private readonly Dictionary<ConvolutionKey, string> _names;

    /// <summary>Makes a table.</summary>
    /// <param name="choices">The names of kernels, such as <c>winograd</c> and <c>libtorch</c>; a later one of the same key counts.</param>
    /// <exception cref="ArgumentException">There is no kernel of a name.</exception>
    public KernelTable(IEnumerable<KeyValuePair<ConvolutionKey, string>> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        _names = [];
        foreach ((ConvolutionKey key, string name) in choices)
        {
            _names[key] = ConvolutionAlgorithms.Find(name) is not null ? name
                : throw new ArgumentException($"there is no kernel of this name ({name}). There are {string.Join(", ", Names)}.", nameof(choices));
        }
    }

    /// <summary>The table that names nothing: everywhere the fixed choice, which is the same on every processor.</summary>
    public static KernelTable Fixed { get; } = new([]);

    /// <summary>The names that a table may have.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ConvolutionAlgorithms.All.Select(algorithm => algorithm.Name)];

    /// <summary>The choices.</summary>
    public IReadOnlyDictionary<ConvolutionKey, string> Choices => _names;

    /// <summary>Choices that this processor, or this version of Convoy, cannot compute.</summary>
    public IEnumerable<KeyValuePair<ConvolutionKey, string>> Unsupported =>
        _names.Where(choice => !ConvolutionAlgorithms.Find(choice.Value)!.Supports(choice.Key.Shape, choice.Key.Dtype, choice.Key.Pass));

    /// <summary>This table with further choices, which count where both have one.</summary>
    public KernelTable With(IEnumerable<KeyValuePair<ConvolutionKey, string>> choices) => new(_names.Concat(choices));

    /// <summary>
    /// The kernel of a pass: the table's; where it has none of these sizes (the last, smaller batch of an epoch), that of the same layer with the batch that is nearest; else the fixed choice.
    /// </summary>
    internal IConvolutionAlgorithm Choose(ConvolutionKey key)
    {
        if (!_names.TryGetValue(key, out string? name))
        {
            name = _names
                .Where(choice => choice.Key with { Shape = choice.Key.Shape with { Batch = key.Shape.Batch } } == key)
                .OrderBy(choice => Math.Abs(choice.Key.Shape.Batch - key.Shape.Batch)).ThenBy(choice => choice.Key.Shape.Batch)
                .Select(choice => choice.Value).FirstOrDefault();
        }

        return name is not null && ConvolutionAlgorithms.Find(name) is { } algorithm && algorithm.Supports(key.Shape, key.Dtype, key.Pass) ? algorithm : ConvolutionAlgorithms.FixedFor(key);
    }
}
