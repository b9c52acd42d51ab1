namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// What a process brings to MPI's start when no MPI launcher started it: <see cref="ProcessGroupMpi"/> asks it when it is joined. It may
/// stand in for a launcher's process manager, and have a store that all ranks reach.
/// </summary>
internal interface IMpiBootstrap
{
    /// <summary>The family of libraries that it can start; null: what the environment says.</summary>
    MpiImplementation? Implementation { get; }

    /// <summary>The job's store, which the group closes; null: rank 0 serves one, and tells the others by MPI where.</summary>
    Store? Store { get; }

    /// <summary>The descriptor on which the library asks its process manager; null: PMI_FD says.</summary>
    int? ManagerConnection { get; }

    /// <summary>Called once, before the library is loaded and MPI started: the place to set variables (<see cref="NativeEnvironment"/>) and to start whoever answers the library.</summary>
    void Prepare();

    /// <summary>Runs MPI_Init_thread, and at the end of the process MPI_Finalize, which ask their process manager and wait for all ranks.</summary>
    /// <param name="operation">What is done, for messages.</param>
    /// <param name="call">The call of the library.</param>
    /// <exception cref="DistributedException">A rank did not come, has given up or ended.</exception>
    T Run<T>(string operation, Func<T> call);
}
