using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>What a checkpoint holds beside random states and numbers: parts by name. A part's file is <c>NAME.safetensors</c>.</summary>
internal sealed partial class CheckpointContent
{
    private const string Extension = ".safetensors";

    private readonly List<(string Name, ContentPart Part)> _parts = [];

    /// <summary>The content of a checkpoint of <c>convoy train</c>.</summary>
    public static CheckpointContent Of(nn.Module model, optim.Optimizer optimizer)
    {
        var content = new CheckpointContent();
        content.Add("model", new ModulePart(model));
        content.Add("optimizer", new OptimizerPart(optimizer, content.NamesOf));
        return content;
    }

    /// <summary>Adds a part.</summary>
    /// <exception cref="ArgumentException">The name is taken, or cannot be a file's.</exception>
    public void Add(string name, ContentPart part)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!PartName().IsMatch(name) || name is "random" or "state")
        {
            throw new ArgumentException($"a part of a checkpoint cannot be named '{name}'. Give letters, digits, - and _ , other than random and state.", nameof(name));
        }

        if (_parts.Any(other => string.Equals(other.Name, name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new ArgumentException($"the checkpoint has a part named '{name}' already. Give each part a name of its own.", nameof(name));
        }

        _parts.Add((name, part));
    }

    /// <summary>Brings to rank 0 what lies on other ranks. All ranks call it together.</summary>
    /// <returns>To be disposed when the files are written.</returns>
    public IDisposable Gather()
    {
        _parts.ForEach(entry => entry.Part.Gather());
        return new Gathered(_parts);
    }

    /// <summary>Writes and flushes the parts' files.</summary>
    /// <returns>Their names.</returns>
    public IReadOnlyList<string> Write(string folder) => [.. from entry in _parts where entry.Part.Write(FileOf(folder, entry.Name)) select entry.Name + Extension];

    /// <summary>The parts' entries for <c>state.json</c>.</summary>
    public JsonObject SaveStates() => new(from entry in _parts let state = entry.Part.SaveState() where state is not null select KeyValuePair.Create(entry.Name, (JsonNode?)state));

    /// <summary>Goes on with the parts' files. All ranks call it together.</summary>
    /// <exception cref="BadInputException">One is missing, or of something else.</exception>
    public void Load(string folder) => _parts.ForEach(entry => entry.Part.Load(FileOf(folder, entry.Name)));

    /// <summary>Goes on with the parts' entries in <c>state.json</c>.</summary>
    /// <exception cref="BadInputException">One is missing, or of something else.</exception>
    public void LoadStates(JsonObject states) => _parts.ForEach(entry => entry.Part.LoadState(states[entry.Name]));

    /// <summary>
    /// The names of an optimizer's parameters, in its order, by the modules that were added; with the module's name before them where there are several.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has a parameter that none of them has.</exception>
    public IReadOnlyList<string> NamesOf(optim.Optimizer optimizer)
    {
        (string Name, nn.Module Module)[] modules = [.. _parts.Where(entry => entry.Part is ModulePart).Select(entry => (entry.Name, ((ModulePart)entry.Part).Module))];
        var names = new Dictionary<nint, Queue<string>>();
        foreach ((string module, string name, Tensor parameter) in modules.SelectMany(entry => entry.Module.named_parameters().Select(named => (entry.Name, named.name, (Tensor)named.parameter))))
        {
            nint identity = AutogradVersion.Identity(parameter);
            names.TryAdd(identity, new Queue<string>());
            names[identity].Enqueue(modules.Length == 1 ? name : $"{module}.{name}");
        }

        // A tied parameter has several names; an optimizer that lists it several times gets one after the other.
        return [.. optimizer.parameters().Select((parameter, number) => names.TryGetValue(AutogradVersion.Identity(parameter), out Queue<string>? own)
            ? own.Count > 1 ? own.Dequeue() : own.Peek()
            : throw new InvalidOperationException(FormattableString.Invariant(
                $"no module of the checkpoint has the optimizer's parameter number {number}, counted from 0, of shape [{string.Join(", ", parameter.shape)}]. Add the module that has it as well.")))];
    }

    private static string FileOf(string folder, string name) => Path.Combine(folder, name + Extension);

    [GeneratedRegex("^[A-Za-z0-9_-]+$")]
    private static partial Regex PartName();

    private sealed class Gathered(List<(string Name, ContentPart Part)> parts) : IDisposable
    {
        public void Dispose() => parts.ForEach(entry => entry.Part.Release());
    }
}
