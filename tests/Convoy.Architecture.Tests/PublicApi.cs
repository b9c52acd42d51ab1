using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Convoy.Architecture.Tests;

/// <summary>The public types and members of an assembly as text, a line each, sorted: what its users can write.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // What the compiler writes for records and delegates is no decision of anybody's.
    private static readonly string[] OfRecords =
        ["Equals", "GetHashCode", "ToString", "PrintMembers", "Deconstruct", "<Clone>$", "op_Equality", "op_Inequality", "EqualityContract", "get_EqualityContract", "Invoke", "BeginInvoke", "EndInvoke"];

    /// <summary>Describes an assembly.</summary>
    public static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(Name, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(Name(type)).Append('\n');
            foreach (string member in Members(type).Distinct().Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(member).Append('\n');
            }
        }

        return text.ToString();
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => string.Create(CultureInfo.InvariantCulture, $"{name} = {Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)}"));
        }

        return type.GetMembers(Declared).Where(member => !OfRecords.Contains(member.Name) && !member.IsDefined(typeof(CompilerGeneratedAttribute))).Select(Member).OfType<string>();
    }

    private static string? Member(MemberInfo member) => member switch
    {
        ConstructorInfo made when IsVisible(made) && !made.IsStatic => $"new({Parameters(made)})",
        MethodInfo method when IsVisible(method) && !method.IsSpecialName => $"{Static(method)}{Name(method.ReturnType)} {method.Name}{Generic(method)}({Parameters(method)})",
        PropertyInfo property when Accessors(property) is { Length: > 0 } accessors => $"{Static(property.GetMethod ?? property.SetMethod!)}{Name(property.PropertyType)} {property.Name} {{ {accessors} }}",
        FieldInfo field when field.IsPublic || field.IsFamily => $"{(field.IsLiteral ? "const " : field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}",
        EventInfo told when told.AddMethod is { } add && IsVisible(add) => $"event {Name(told.EventHandlerType!)} {told.Name}",
        _ => null,
    };

    private static string Accessors(PropertyInfo property) => string.Join(' ', new[] { (property.GetMethod, "get;"), (property.SetMethod, IsInit(property) ? "init;" : "set;") }
        .Where(accessor => accessor.Item1 is { } method && IsVisible(method)).Select(accessor => accessor.Item2));

    private static bool IsInit(PropertyInfo property) => property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Static(MethodInfo method) => method.IsStatic ? "static " : method.IsAbstract ? "abstract " : method.IsVirtual && !method.IsFinal ? "virtual " : "";

    private static string Kind(Type type) => type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsSealed ? "sealed class" : type.IsAbstract ? "abstract class" : "class";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter => $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? " = " + (parameter.RawDefaultValue is { } value ? Convert.ToString(value, CultureInfo.InvariantCulture) : "null") : "")}"));

    private static string Generic(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";

    private static string Name(Type type)
    {
        if (type.IsGenericParameter)
        {
            return type.Name;
        }

        if (type.HasElementType)
        {
            return Name(type.GetElementType()!) + (type.IsArray ? "[]" : type.IsByRef ? "&" : "*");
        }

        string name = type.IsNested ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Namespace?.StartsWith("Convoy", StringComparison.Ordinal) == true ? $"{type.Namespace}.{type.Name}" : type.Name;
        return type.IsGenericType ? $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }
}
