namespace Convoy.Torch.Convolution;

/// <summary>Which kernel computes which pass of which convolution: what was measured on a machine, or is to be the same on several. Immutable.</summary>
public sealed class KernelTable
{
    private readonly Dictionary<ConvolutionKey, KernelChoice> _choices;

    /// <summary>Makes a table.</summary>
    /// <param name="choices">The choices; a later one of the same key counts.</param>
    /// <exception cref="ArgumentException">There is no kernel of a name.</exception>
    public KernelTable(IEnumerable<KernelChoice> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        _choices = [];
        foreach (KernelChoice choice in choices)
        {
            _choices[choice.Key] = ConvolutionAlgorithms.Find(choice.Kernel) is not null ? choice
                : throw new ArgumentException($"there is no kernel of this name ({choice.Kernel}). There are {string.Join(", ", Names)}.", nameof(choices));
        }
    }

    /// <summary>The table that names nothing: everywhere the fixed choice, which is the same on every processor.</summary>
    public static KernelTable Fixed { get; } = new([]);

    /// <summary>The names that a table may have.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ConvolutionAlgorithms.All.Select(algorithm => algorithm.Name)];

    /// <summary>The choices, one for each key.</summary>
    public IReadOnlyCollection<KernelChoice> Choices => _choices.Values;

    /// <summary>Choices that this processor, or the library that is loaded, cannot compute.</summary>
    public IEnumerable<KernelChoice> Unsupported => _choices.Values.Where(choice => !Find(choice).Supports(choice.Key.Shape, choice.Key.Dtype, choice.Key.Pass));

    /// <summary>The choice for a key; null when there is none.</summary>
    public KernelChoice? Find(ConvolutionKey key) => _choices.GetValueOrDefault(key);

    /// <summary>The name of the kernel that computes a pass by this table on this processor, the fixed choice's where the table has nothing that fits.</summary>
    public string NameOf(ConvolutionKey key) => Choose(key).Name;

    /// <summary>This table with further choices, which count where both have one.</summary>
    public KernelTable With(IEnumerable<KernelChoice> choices) => new(_choices.Values.Concat(choices));

    /// <summary>
    /// The kernel of a pass: the table's; where it has none of these sizes (the last, smaller batch of an epoch), that of the same layer with the batch that is nearest; else the fixed choice.
    /// </summary>
    internal IConvolutionAlgorithm Choose(ConvolutionKey key)
    {
        KernelChoice? choice = Find(key) ?? _choices.Values
            .Where(other => other.Key.IsSameLayer(key))
            .OrderBy(other => Math.Abs(other.Key.Shape.Batch - key.Shape.Batch)).ThenBy(other => other.Key.Shape.Batch)
            .FirstOrDefault();
        return choice is not null && Find(choice) is var algorithm && algorithm.Supports(key.Shape, key.Dtype, key.Pass) ? algorithm : ConvolutionAlgorithms.FixedFor(key);
    }

    private static IConvolutionAlgorithm Find(KernelChoice choice) => ConvolutionAlgorithms.Find(choice.Kernel)!;
}

/// <summary>The kernel for a pass of a convolution.</summary>
/// <param name="Key">The pass and the sizes.</param>
/// <param name="Kernel">The kernel's name, of <see cref="KernelTable.Names"/>.</param>
/// <param name="Seconds">What each kernel took for the whole batch, where it was measured.</param>
public sealed record KernelChoice(ConvolutionKey Key, string Kernel, IReadOnlyDictionary<string, double>? Seconds = null);
