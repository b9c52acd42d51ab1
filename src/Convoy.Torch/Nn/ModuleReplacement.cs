using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// Replaces modules inside a module. TorchSharp keeps a child in several places: in the parent's table of children, in the C#
/// field that forward uses, in lists, arrays, dictionaries and lists of lists (Sequential, ModuleList, ModuleDict, user code). All
/// must change.
/// </summary>
public sealed class ModuleReplacement
{
    private const BindingFlags OwnFields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private readonly Dictionary<nn.Module, nn.Module> _replacements = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);
    private readonly List<Action> _changes = [];

    private ModuleReplacement()
    {
    }

    /// <summary>
    /// Replaces each module below <paramref name="root"/> for which <paramref name="replace"/> gives another one, which takes its place as by <see cref="TakeOver"/>.
    /// </summary>
    /// <param name="root">The module; itself not replaced.</param>
    /// <param name="replace">Gives a module's replacement, which may hold its parameters and buffers, or null where it stays. Called once for each module, in the order of registration.</param>
    /// <exception cref="ArgumentException">A place that holds such a module does not admit its replacement. Then nothing was changed, and the replacements must not be used.</exception>
    public static void ReplaceAll(nn.Module root, Func<nn.Module, nn.Module?> replace)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(replace);
        var places = new ModuleReplacement();
        List<nn.Module> found = [];
        places.Find(root, found);
        places._seen.Clear();
        try
        {
            // A place is looked at once the type that it must admit is known, and changed when all places are known to admit it.
            foreach (nn.Module module in found)
            {
                if (replace(module) is { } replacement)
                {
                    places._replacements.Add(module, replacement);
                }
            }

            places.Visit(root, "");
        }
        catch
        {
            foreach (nn.Module replacement in places._replacements.Values)
            {
                LeaveTensors(replacement);
            }

            throw;
        }

        places._changes.ForEach(change => change());
        foreach ((nn.Module replaced, nn.Module replacement) in places._replacements)
        {
            TakeOver(replaced, replacement);
        }
    }

    /// <summary>Gives <paramref name="replacement"/> the training mode of a module whose parameters and buffers it may hold.</summary>
    /// <param name="replaced">The module; nothing must refer to it any more.</param>
    /// <param name="replacement">What is used instead from now on.</param>
    /// <typeparam name="T">The replacement's type.</typeparam>
    /// <returns><paramref name="replacement"/>.</returns>
    public static T TakeOver<T>(nn.Module replaced, T replacement)
        where T : nn.Module
    {
        ArgumentNullException.ThrowIfNull(replaced);
        ArgumentNullException.ThrowIfNull(replacement);
        replacement.train(replaced.training);
        LeaveTensors(replaced);
        return replacement;
    }

    // The tensors are another module's: the finalizer of this one, which nothing refers to any more, would dispose of them.
#pragma warning disable CA1816 // meant for the object that disposes of itself, which this one must not do
    private static void LeaveTensors(nn.Module module) => GC.SuppressFinalize(module);
#pragma warning restore CA1816

    // All modules below, each once, in the order of registration.
    private void Find(nn.Module module, List<nn.Module> found)
    {
        foreach ((_, nn.Module child) in module.named_children())
        {
            if (_seen.Add(child))
            {
                found.Add(child);
                Find(child, found);
            }
        }
    }

    private void Visit(nn.Module module, string path)
    {
        if (!_seen.Add(module))
        {
            return;
        }

        for (Type? type = module.GetType(); type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(OwnFields))
            {
                string place = $"{module.GetType().Name}.{field.Name}" + (path.Length == 0 ? "" : $" (at '{path}')");
                object? value = field.GetValue(module);
                if (value is nn.Module held && _replacements.TryGetValue(held, out nn.Module? substitute))
                {
                    RequireAdmitted(field.FieldType, held, substitute, place);
                    _changes.Add(() => field.SetValue(module, substitute));
                }
                else
                {
                    VisitCollection(value, place);
                }
            }
        }

        foreach ((string name, nn.Module child) in module.named_children())
        {
            if (!_replacements.ContainsKey(child))
            {
                Visit(child, path.Length == 0 ? name : $"{path}.{name}");
            }
        }
    }

    private void VisitCollection(object? collection, string place)
    {
        if (collection is null or string or nn.Module or Tensor or not IEnumerable || !_seen.Add(collection))
        {
            return;
        }

        if (collection is IDictionary<string, nn.Module> table and IEnumerable<(string, nn.Module)> children)
        {
            // TorchSharp's table of children: its enumerator of key-value pairs is not implemented, that of tuples is.
            foreach ((string key, nn.Module held) in children)
            {
                if (_replacements.TryGetValue(held, out nn.Module? substitute))
                {
                    _changes.Add(() => table[key] = substitute);
                }
            }
        }
        else if (collection is IDictionary dictionary)
        {
            Type valueType = collection.GetType().GetGenericArguments().LastOrDefault() ?? typeof(object);
            foreach (DictionaryEntry entry in dictionary)
            {
                object key = entry.Key;
                VisitItem(entry.Value, valueType, dictionary.IsReadOnly, $"{place}[{key}]", item => dictionary[key] = item);
            }
        }
        else if (collection is IList list and not Array { Rank: > 1 })
        {
            Type itemType = list is Array ? list.GetType().GetElementType()! : list.GetType().GetGenericArguments().FirstOrDefault() ?? typeof(object);
            for (int i = 0; i < list.Count; i++)
            {
                int index = i;
                VisitItem(list[i], itemType, list.IsReadOnly, $"{place}[{i}]", item => list[index] = item);
            }
        }
        else if (collection is IReadOnlyCollection<nn.Module> or Array)
        {
            foreach (object? item in (IEnumerable)collection)
            {
                VisitItem(item, typeof(nn.Module), isReadOnly: true, place, _ => { });
            }
        }
    }

    private void VisitItem(object? item, Type declared, bool isReadOnly, string place, Action<object> assign)
    {
        if (item is nn.Module held)
        {
            if (_replacements.TryGetValue(held, out nn.Module? substitute))
            {
                RequireWritable(isReadOnly, held, place);
                RequireAdmitted(declared, held, substitute, place);
                _changes.Add(() => assign(substitute));
            }
        }
        else if (item is ITuple tuple && Enumerable.Range(0, tuple.Length).FirstOrDefault(i => tuple[i] is nn.Module m && _replacements.ContainsKey(m), -1) is >= 0 and var position)
        {
            // A (name, module) pair of ModuleDict: a boxed copy gets its field changed and goes back to its place.
            var inner = (nn.Module)tuple[position]!;
            FieldInfo field = tuple.GetType().GetFields()[position];
            RequireWritable(isReadOnly, inner, place);
            RequireAdmitted(field.FieldType, inner, _replacements[inner], place);
            _changes.Add(() =>
            {
                field.SetValue(item, _replacements[inner]);
                assign(item);
            });
        }
        else
        {
            VisitCollection(item, place);
        }
    }

    private static void RequireAdmitted(Type declared, nn.Module held, nn.Module substitute, string place)
    {
        if (!declared.IsInstanceOfType(substitute))
        {
            throw new ArgumentException($"{place} is declared as {declared.Name}, so its {held.GetType().Name} cannot be replaced by a {substitute.GetType().Name}. Declare it as Module<Tensor, Tensor>.");
        }
    }

    private static void RequireWritable(bool isReadOnly, nn.Module held, string place)
    {
        if (isReadOnly)
        {
            throw new ArgumentException($"{place} cannot be written to, so its {held.GetType().Name} cannot be replaced. Hold it in a field, a list, an array or a dictionary.");
        }
    }
}
