using k8s.Models;

namespace Convoy.Docs.Tests.Recipes;

/// <summary>
/// The fields of an MPIJob of kubeflow.org/v2beta1 that a recipe may use, by the names and with the values of the operator's published definition (deploy/v2beta1/mpi-operator.yaml of
/// kubeflow/mpi-operator, read 2026-11-29): a type that Kubernetes itself does not have.
/// </summary>
public sealed record MpiJob
{
    public required string ApiVersion { get; init; }

    public required string Kind { get; init; }

    public required V1ObjectMeta Metadata { get; init; }

    public required MpiJobSpec Spec { get; init; }
}

public sealed record MpiJobSpec
{
    /// <summary>OpenMPI, Intel; newer operators also know MPICH.</summary>
    public string? MpiImplementation { get; init; }

    /// <summary>From 1.</summary>
    public int? SlotsPerWorker { get; init; }

    public string? SshAuthMountPath { get; init; }

    public MpiRunPolicy? RunPolicy { get; init; }

    /// <summary>Launcher, needed and at most one, and Worker.</summary>
    public required Dictionary<string, MpiReplicaSpec> MpiReplicaSpecs { get; init; }
}

public sealed record MpiRunPolicy
{
    /// <summary>None, Running, All.</summary>
    public string? CleanPodPolicy { get; init; }

    public int? TtlSecondsAfterFinished { get; init; }

    public long? ActiveDeadlineSeconds { get; init; }

    public int? BackoffLimit { get; init; }
}

public sealed record MpiReplicaSpec
{
    /// <summary>From 1.</summary>
    public int? Replicas { get; init; }

    /// <summary>Never, OnFailure.</summary>
    public string? RestartPolicy { get; init; }

    public required V1PodTemplateSpec Template { get; init; }
}
