using System.Text.Json.Serialization;
using Convoy.Distributed;

namespace Convoy.Training;

/// <summary>Through what the processes of a run exchange gradients; see <see cref="ProcessGroups.BackendNames"/>.</summary>
public enum Backend
{
    /// <summary>Shared memory where all processes are on one host, otherwise <see cref="Hierarchical"/>; or what CONVOY_BACKEND names.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary>Shared memory; one host only.</summary>
    [JsonStringEnumMemberName("shared-memory")]
    SharedMemory,

    /// <summary>MPI between all processes.</summary>
    [JsonStringEnumMemberName("mpi")]
    Mpi,

    /// <summary>Shared memory inside a host, MPI between hosts.</summary>
    [JsonStringEnumMemberName("hierarchical")]
    Hierarchical,
}
