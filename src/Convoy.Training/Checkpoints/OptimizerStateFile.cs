using System.Reflection;
using AdamW = TorchSharp.Modules.AdamW;
using Convoy.Torch.Serialization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>
/// The state that one of TorchSharp's optimizers keeps for its parameters as a safetensors file: <c>NAME.exp_avg</c>, <c>NAME.exp_avg_sq</c>,
/// <c>NAME.step</c> and whatever else its class of states has as public fields, and the optimizer's name in the header.
/// </summary>
internal static class OptimizerStateFile
{
    /// <summary>The file in a checkpoint of <c>convoy train</c>.</summary>
    public const string DefaultName = "optimizer.safetensors";

    private const string KindEntry = "optimizer";

    /// <summary>Writes the state of every parameter.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="names">The names of its parameters, in its order.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="NotSupportedException">It is none of TorchSharp's optimizers, or one whose state is not a few tensors and numbers for each parameter (LBFGS).</exception>
    public static void Save(optim.Optimizer optimizer, IReadOnlyList<string> names, string path)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (Slot slot in Slots(optimizer, names))
        {
            Tensor? value = slot.Value switch
            {
                Tensor present => present,
                long number => tensor(number, ScalarType.Int64),
                double number => tensor(number, ScalarType.Float64),
                _ => null,
            };
            if (value is not null)
            {
                tensors[slot.Name] = value;
            }
        }

        SafetensorsFile.Write(path, tensors, new Dictionary<string, string> { [KindEntry] = KindOf(optimizer) });
    }

    /// <summary>Loads what <see cref="Save"/> wrote, or the file in TorchSharp's own form beside it that earlier versions wrote of others than AdamW.</summary>
    /// <exception cref="BadInputException">The checkpoint is of another model, or of another kind of optimizer. The optimizer is unchanged.</exception>
    /// <exception cref="NotSupportedException">As for <see cref="Save"/>.</exception>
    public static void Load(optim.Optimizer optimizer, IReadOnlyList<string> names, string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        if (!File.Exists(path))
        {
            LoadEarlierForm(optimizer, Path.ChangeExtension(path, ".dat"), folder);
            return;
        }

        Dictionary<string, Tensor> values = ModelWeights.Read(path);
        try
        {
            RequireKind(optimizer, ModelWeights.ReadMetadata(path).GetValueOrDefault(KindEntry, nameof(AdamW)), folder);
            Slot[] slots = [.. Slots(optimizer, names)];
            foreach (Slot slot in slots)
            {
                Require(slot, values, path);
            }

            using IDisposable noGradient = no_grad();
            foreach (Slot slot in slots)
            {
                slot.Set(values.GetValueOrDefault(slot.Name));
            }
        }
        finally
        {
            ModelWeights.DisposeAll(values);
        }
    }

    // FusedAdamW is AdamW computed otherwise.
    private static string KindOf(optim.Optimizer optimizer) => optimizer is AdamW ? nameof(AdamW) : optimizer.GetType().Name;

    private static void RequireKind(optim.Optimizer optimizer, string kind, string folder)
    {
        if (kind != KindOf(optimizer))
        {
            throw new BadInputException($"the checkpoint has the state of {kind}, not of {KindOf(optimizer)}", folder, "Go on with the optimizer that the run began with.");
        }
    }

    private static void LoadEarlierForm(optim.Optimizer optimizer, string path, string folder)
    {
        if (!File.Exists(path))
        {
            throw new BadInputException($"the checkpoint has no state of {KindOf(optimizer)}", folder, "Go on with the optimizer that the run began with.");
        }

        using var reader = new BinaryReader(File.OpenRead(path));
        RequireKind(optimizer, reader.ReadString(), folder);
        Helper(optimizer).load_state_dict(reader);
    }

    private static OptimizerHelper Helper(optim.Optimizer optimizer) => optimizer as OptimizerHelper
        ?? throw new NotSupportedException($"the state of {optimizer.GetType().Name} cannot be saved: it is none of TorchSharp's optimizers. Write no checkpoints (--keep-checkpoints 0), or take an optimizer of TorchSharp.");

    // copy_ would spread a smaller tensor over a larger one without a word.
    private static void Require(Slot slot, Dictionary<string, Tensor> values, string path)
    {
        string? fault = !values.TryGetValue(slot.Name, out Tensor? value) ? (slot.MayBeAbsent ? null : $"it has no {slot.Name}")
            : value.dtype != slot.Type || !value.shape.SequenceEqual(slot.Shape) ? $"{slot.Name} has another shape or dtype"
            : null;
        if (fault is not null)
        {
            throw new BadInputException($"the optimizer's state is of another model, {fault}", path, "Give a checkpoint of this model.");
        }
    }

    private static IEnumerable<Slot> Slots(optim.Optimizer optimizer, IReadOnlyList<string> names)
    {
        OptimizerHelper helper = Helper(optimizer);
        List<OptimizerState> states = helper.state_dict().State;
        return states.Count == names.Count
            ? from entry in names.Zip(helper.parameters(), states) from field in FieldsOf(entry.Third, optimizer) select new Slot(entry.First, entry.Second, entry.Third, field)
            : throw new InvalidOperationException($"the optimizer has {states.Count} parameters, not {names.Count}");
    }

    private static FieldInfo[] FieldsOf(OptimizerState state, optim.Optimizer optimizer)
    {
        FieldInfo[] fields = [.. state.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public).OrderBy(field => field.Name, StringComparer.Ordinal)];
        return fields.FirstOrDefault(field => field.FieldType != typeof(Tensor) && field.FieldType != typeof(long) && field.FieldType != typeof(double)) is { } other
            ? throw new NotSupportedException($"the state of {optimizer.GetType().Name} cannot be saved: it has a {other.FieldType.Name} ({other.Name}). Write no checkpoints (--keep-checkpoints 0), or take another optimizer.")
            : fields;
    }

    /// <summary>A field of a parameter's state.</summary>
    private readonly struct Slot(string parameterName, Tensor parameter, OptimizerState state, FieldInfo info)
    {
        public string Name { get; } = $"{parameterName}.{info.Name}";

        public object? Value => info.GetValue(state);

        // What is made in the first step alone is shaped as the parameter is; so are all states that are tensors.
        public long[] Shape => info.FieldType == typeof(Tensor) ? ((Tensor?)Value ?? parameter).shape : [];

        public ScalarType Type => info.FieldType == typeof(long) ? ScalarType.Int64 : info.FieldType == typeof(double) ? ScalarType.Float64 : ((Tensor?)Value ?? parameter).dtype;

        // SGD's momentum is none before the first step; what an optimizer was made without (amsgrad's maximum) is none for ever.
        public bool MayBeAbsent => info.FieldType == typeof(Tensor) && (Value is null || info.Name == "momentum_buffer");

        public void Set(Tensor? value)
        {
            if (info.FieldType == typeof(long))
            {
                info.SetValue(state, value!.item<long>());
            }
            else if (info.FieldType == typeof(double))
            {
                info.SetValue(state, value!.item<double>());
            }
            else if (Value is Tensor present && value is not null)
            {
                present.copy_(value); // In place, as FusedAdamW's lie together.
            }
            else
            {
                (Value as Tensor)?.Dispose();
                info.SetValue(state, value is null ? null : LaidOutAs(value).DetachFromDisposeScope());
            }
        }

        private Tensor LaidOutAs(Tensor value)
        {
            Tensor made = empty_like(parameter, dtype: value.dtype);
            return made.copy_(value);
        }
    }
}
