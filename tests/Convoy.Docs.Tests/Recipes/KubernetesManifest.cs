using Convoy.Docs.Tests.Pages;
using k8s;
using k8s.Models;

namespace Convoy.Docs.Tests.Recipes;

/// <summary>The objects of a file for <c>kubectl apply</c>, read by Kubernetes' published types: a field that a type does not have is refused.</summary>
internal static class KubernetesManifest
{
    private static readonly Dictionary<string, Type> Types = new(StringComparer.Ordinal)
    {
        ["v1/Service"] = typeof(V1Service),
        ["batch/v1/Job"] = typeof(V1Job),
        ["networking.k8s.io/v1/NetworkPolicy"] = typeof(V1NetworkPolicy),
        ["kubeflow.org/v2beta1/MPIJob"] = typeof(MpiJob),
    };

    public static string TextOf(string file) => File.ReadAllText(Path.Combine(Documentation.Root, "recipes", "several-hosts", file));

    public static IReadOnlyList<object> Read(string text) => KubernetesYaml.LoadAllFromString(text, Types, strict: true);
}
