using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Replaces modules inside a module. TorchSharp keeps a child in several places: in the parent's table of children, in the C#
/// field that forward uses, in lists, arrays and dictionaries (Sequential, ModuleList, ModuleDict, user code). All must change.
/// </summary>
internal static class ModuleReplacement
{
    private const BindingFlags OwnFields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Replaces each module below <paramref name="root"/> for which <paramref name="replace"/> gives another one.</summary>
    /// <exception cref="ArgumentException">A place that holds such a module does not admit its replacement. Then nothing was changed.</exception>
    public static void ReplaceAll(nn.Module root, Func<nn.Module, nn.Module?> replace)
    {
        var replacements = new Dictionary<nn.Module, nn.Module>(ReferenceEqualityComparer.Instance);
        var changes = new List<Action>();
        Visit(root, "", replace, replacements, changes, new HashSet<object>(ReferenceEqualityComparer.Instance));
        changes.ForEach(change => change());
    }

    private static void Visit(
        nn.Module module, string path, Func<nn.Module, nn.Module?> replace, Dictionary<nn.Module, nn.Module> replacements, List<Action> changes, HashSet<object> seen)
    {
        if (!seen.Add(module))
        {
            return;
        }

        foreach ((string name, nn.Module child) in module.named_children())
        {
            if (!replacements.ContainsKey(child) && replace(child) is { } replacement)
            {
                replacements.Add(child, replacement);
            }
        }

        for (Type? type = module.GetType(); type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (FieldInfo field in type.GetFields(OwnFields))
            {
                string place = $"{module.GetType().Name}.{field.Name}" + (path.Length == 0 ? "" : $" (at '{path}')");
                object? value = field.GetValue(module);
                if (value is nn.Module held && replacements.TryGetValue(held, out nn.Module? substitute))
                {
                    RequireAdmitted(field.FieldType, held, substitute, place);
                    changes.Add(() => field.SetValue(module, substitute));
                }
                else if (value is not null and not string and not nn.Module and not Tensor && value is IEnumerable)
                {
                    ReplaceInCollection(value, place, replacements, changes);
                }
            }
        }

        foreach ((string name, nn.Module child) in module.named_children())
        {
            if (!replacements.ContainsKey(child))
            {
                Visit(child, path.Length == 0 ? name : $"{path}.{name}", replace, replacements, changes, seen);
            }
        }
    }

    private static void ReplaceInCollection(object collection, string place, Dictionary<nn.Module, nn.Module> replacements, List<Action> changes)
    {
        if (collection is IDictionary<string, nn.Module> table and IEnumerable<(string, nn.Module)> children)
        {
            // TorchSharp's table of children: its enumerator of key-value pairs is not implemented, that of tuples is.
            foreach ((string key, nn.Module held) in children)
            {
                if (replacements.TryGetValue(held, out nn.Module? substitute))
                {
                    changes.Add(() => table[key] = substitute);
                }
            }
        }
        else if (collection is IDictionary dictionary)
        {
            foreach (DictionaryEntry entry in dictionary)
            {
                if (entry.Value is nn.Module held && replacements.TryGetValue(held, out nn.Module? substitute))
                {
                    RequireAdmitted(collection.GetType().GetGenericArguments().LastOrDefault() ?? typeof(object), held, substitute, place);
                    object key = entry.Key;
                    changes.Add(() => dictionary[key] = substitute);
                }
            }
        }
        else if (collection is IList list)
        {
            for (int i = 0; i < list.Count; i++)
            {
                ReplaceItem(list, i, place, replacements, changes);
            }
        }
    }

    private static void ReplaceItem(IList list, int index, string place, Dictionary<nn.Module, nn.Module> replacements, List<Action> changes)
    {
        Type itemType = list.GetType() is { IsArray: true } array ? array.GetElementType()! : list.GetType().GetGenericArguments().FirstOrDefault() ?? typeof(object);
        if (list[index] is nn.Module held && replacements.TryGetValue(held, out nn.Module? substitute))
        {
            RequireAdmitted(itemType, held, substitute, $"{place}[{index}]");
            changes.Add(() => list[index] = substitute);
        }
        else if (list[index] is ITuple tuple && Enumerable.Range(0, tuple.Length).FirstOrDefault(i => tuple[i] is nn.Module m && replacements.ContainsKey(m), -1) is >= 0 and var position)
        {
            // A (name, module) pair of ModuleDict: a boxed copy gets its field changed and goes back into the list.
            var inner = (nn.Module)tuple[position]!;
            FieldInfo item = tuple.GetType().GetFields()[position];
            RequireAdmitted(item.FieldType, inner, replacements[inner], $"{place}[{index}]");
            changes.Add(() =>
            {
                object pair = list[index]!;
                item.SetValue(pair, replacements[inner]);
                list[index] = pair;
            });
        }
    }

    private static void RequireAdmitted(Type declared, nn.Module held, nn.Module substitute, string place)
    {
        if (!declared.IsInstanceOfType(substitute))
        {
            throw new ArgumentException($"{place} is declared as {declared.Name}, so its {held.GetType().Name} cannot be replaced by a {substitute.GetType().Name}. Declare it as Module<Tensor, Tensor>.");
        }
    }
}
